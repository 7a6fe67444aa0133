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

}  // namespace convcorr
