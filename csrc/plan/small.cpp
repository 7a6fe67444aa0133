#include "plan/small.h"

namespace convcorr {
namespace {

bool has_own_kernel(DType t) { return t == DType::f32 || t == DType::f64 || t == DType::c64 || t == DType::c128; }

}  // namespace

bool is_small(const Problem& p) {
  if (p.spatial_count != 1 || p.outer_count != 0 || !has_own_kernel(p.sum_type)) return false;
  if (p.x_type != p.sum_type || p.h_type != p.sum_type || p.y_type != p.sum_type || p.x_swapped || p.h_swapped)
    return false;
  const SpatialAxis& a = p.spatial[0];
  const index_t size = itemsize(p.sum_type);
  return a.out + a.kernel <= small_elements && a.in <= small_elements && a.stride == 1 && a.dilation == 1 &&
         a.in_dilation == 1 && a.border == Border::constant && fill_is_zero(p) && a.x_stride == size &&
         a.y_stride == size;
}

}  // namespace convcorr
