#include "problem/dilated.h"

namespace convcorr {
namespace {

bool is_alike(const SpatialAxis& a) {
  return a.kernel > 1 && a.dilation > 1 && a.stride == 1 && a.in_dilation == 1 && a.border == Border::constant &&
         a.in % a.dilation == 0 && a.out % a.dilation == 0 && a.offset % a.dilation == 0;
}

}  // namespace

Problem without_dilation(const Problem& p) {
  Problem apart = p;
  for (int i = 0; i < p.spatial_count && apart.outer_count < max_outer; ++i) {
    SpatialAxis& a = apart.spatial[i];
    if (!is_alike(a)) continue;
    const index_t d = a.dilation;
    apart.outer[apart.outer_count++] = {Role::batch, d, a.x_stride, 0, a.y_stride};
    a.in /= d;
    a.out /= d;
    a.offset /= d;
    a.x_stride *= d;
    a.y_stride *= d;
    a.dilation = 1;
  }
  return apart;
}

}  // namespace convcorr
