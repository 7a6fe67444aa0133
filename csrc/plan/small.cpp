#include "plan/small.h"

namespace convcorr {
namespace {

bool has_own_kernel(DType t) { return t == DType::f32 || t == DType::f64 || t == DType::c64 || t == DType::c128; }

// One sample to the next, and no size that the products below could overflow on.
bool is_plain(const SpatialAxis& a) {
  constexpr index_t most = small_padded_bytes;
  return a.out <= most && a.kernel <= most && a.in <= most && a.stride == 1 && a.dilation == 1 && a.in_dilation == 1;
}

bool takes_taps(const Problem& p) {
  return p.h_type == p.sum_type || (p.h_type == DType::f64 && p.sum_type == DType::f32);
}

}  // namespace

bool is_small(const Problem& p) {
  if (p.spatial_count < 1 || p.spatial_count > 2 || p.outer_count != 0 || !has_own_kernel(p.sum_type)) return false;
  if (p.x_type != p.sum_type || !takes_taps(p) || p.y_type != p.sum_type || p.x_swapped || p.h_swapped) return false;
  if (p.summation != Summation::fast) return false;
  const SpatialAxis& lane = p.spatial[p.spatial_count - 1];
  const index_t size = itemsize(p.sum_type);
  if (!is_plain(lane) || lane.x_stride != size || lane.y_stride != size) return false;
  const index_t row_bytes = small_row_bytes(lane, size);
  if (p.spatial_count == 1) return row_bytes <= small_padded_bytes && lane.kernel * size <= small_taps_bytes;
  const SpatialAxis& row = p.spatial[0];
  if (!is_plain(row)) return false;
  const index_t rows = row.out + row.kernel - 1;
  return rows <= small_rows && rows * row_bytes <= small_padded_bytes &&
         row.kernel * lane.kernel * size <= small_taps_bytes;
}

}  // namespace convcorr
