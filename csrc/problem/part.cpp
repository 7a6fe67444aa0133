#include "problem/part.h"

#include <algorithm>

#include "base/checked.h"

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

bool has_real_factor(const Problem& p) {
  const bool complex_sums = p.sum_type == DType::c64 || p.sum_type == DType::c128;
  return complex_sums && is_complex(p.x_type) != is_complex(p.h_type) && (is_complex(p.x_type) || p.fill.im == 0);
}

bool can_split_kernel(const Problem& p) {
  return has_real_factor(p) && !is_complex(p.x_type) && p.outer_count < max_outer;
}

Problem split_kernel(const Problem& p) {
  Problem q = p;
  q.y_type = real_of(p.y_type);
  q.sum_type = q.h_type = real_of(p.sum_type);
  q.h_swapped = q.conjugate = false;
  index_t bytes = itemsize(q.h_type);
  for (int a = q.spatial_count - 1; a >= 0; --a) {
    q.spatial[a].h_stride = bytes;
    bytes = checked_mul(bytes, q.spatial[a].kernel);
  }
  q.outer[q.outer_count++] = {Role::out_channel, 2, 0, bytes, itemsize(q.y_type)};
  bytes = checked_mul(bytes, 2);
  for (int a = p.outer_count - 1; a >= 0; --a) {
    if (p.outer[a].h_stride == 0) continue;
    q.outer[a].h_stride = bytes;
    bytes = checked_mul(bytes, q.outer[a].size);
  }
  return q;
}

}  // namespace convcorr
