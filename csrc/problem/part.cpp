#include "problem/part.h"

#include <algorithm>

namespace convcorr {

void keep_outputs(Problem& p, Arrays& arrays, int axis, index_t first, index_t count) {
  SpatialAxis& a = p.spatial[axis];
  arrays.y += first * a.y_stride;
  a.offset += first * a.stride;
  a.out = count;
  if (a.border != Border::constant || !fill_is_zero(p) || a.in_dilation != 1) return;
  // Tap t of output n reads position n stride + t dilation + offset: which t ever read [0, in)?
  const index_t last_position = (count - 1) * a.stride + a.offset;
  const index_t low = last_position >= 0 ? 0 : (-last_position + a.dilation - 1) / a.dilation;
  const index_t room = a.in - 1 - a.offset;
  const index_t high = room < 0 ? -1 : std::min(a.kernel - 1, room / a.dilation);
  const index_t kept_low = std::min(low, a.kernel - 1), kept_high = std::max(high, kept_low);
  const index_t first_in_h = p.flip ? a.kernel - 1 - kept_high : kept_low;
  arrays.h += first_in_h * a.h_stride;
  a.offset += kept_low * a.dilation;
  a.kernel = kept_high - kept_low + 1;
}

void keep_taps(Problem& p, Arrays& arrays, int axis, index_t first, index_t count) {
  SpatialAxis& a = p.spatial[axis];
  arrays.h += (p.flip ? a.kernel - first - count : first) * a.h_stride;
  a.offset += first * a.dilation;
  a.kernel = count;
}

index_t phase_count(const Problem& p) {
  index_t phases = 1;
  for (int i = 0; i < p.spatial_count; ++i) {
    const SpatialAxis& a = p.spatial[i];
    if (a.kernel == 1 || a.dilation == 1) continue;
    if (a.stride != 1 || a.border != Border::constant || a.in_dilation != 1 || a.dilation > a.in || a.dilation > a.out)
      return 0;
    if (phases > (index_t(1) << 20) / a.dilation) return 0;
    phases *= a.dilation;
  }
  return phases;
}

bool take_phase(Problem& p, Arrays& arrays, index_t number) {
  for (int i = 0; i < p.spatial_count; ++i) {
    SpatialAxis& a = p.spatial[i];
    if (a.kernel == 1 || a.dilation == 1) continue;
    const index_t d = a.dilation, r = number % d;
    number /= d;
    const index_t s = ((r + a.offset) % d + d) % d;
    a.out = (a.out - r + d - 1) / d;
    a.in = (a.in - s + d - 1) / d;
    a.offset = (r + a.offset - s) / d;
    arrays.x += s * a.x_stride;
    arrays.y += r * a.y_stride;
    a.x_stride *= d;
    a.y_stride *= d;
    a.dilation = 1;
    if (a.out < 1 || a.in < 1) return false;
  }
  return true;
}

}  // namespace convcorr
