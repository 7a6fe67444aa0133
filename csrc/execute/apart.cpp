#include "execute/apart.h"

#include "base/checked.h"
#include "dispatch/registry.h"
#include "problem/reference.h"

namespace convcorr {
index_t lay_out_sums(Problem& p) {
  p.y_type = p.sum_type;
  index_t bytes = itemsize(p.y_type);
  const auto take = [&bytes](index_t& stride, index_t size) {
    stride = bytes;
    bytes = checked_mul(bytes, size);
  };
  for (int a = p.spatial_count - 1; a >= 0; --a) take(p.spatial[a].y_stride, p.spatial[a].out);
  for (int a = p.outer_count - 1; a >= 0; --a) {
    if (p.outer[a].role != Role::in_channel) take(p.outer[a].y_stride, p.outer[a].size);
  }
  return bytes;
}

void store_sums(const Problem& p, const char* sums, char* y) {
  Compute c = Compute::f32;
  floating_compute(p.sum_type, c);
  const auto store = kernels().convert->store[static_cast<int>(c)][static_cast<int>(p.y_type)];
  const SpatialAxis& lane = p.spatial[p.spatial_count - 1];
  Odometer at = outputs_of(p);
  at.size[--at.axes] = 1;
  do {
    char* row = y;
    int axis = 0;
    for (int a = 0; a < p.outer_count; ++a) {
      if (p.outer[a].role != Role::in_channel) row += at.at[axis++] * p.outer[a].y_stride;
    }
    for (int a = 0; a + 1 < p.spatial_count; ++a) row += at.at[axis++] * p.spatial[a].y_stride;
    store(sums, lane.out, row, lane.y_stride);
    sums += lane.out * itemsize(c);
  } while (at.next());
}

}  // namespace convcorr
