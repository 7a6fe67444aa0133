#include "plan/separable.h"

#include <algorithm>

#include "plan/cost.h"
#include "plan/direct_plan.h"
#include "problem/part.h"

namespace convcorr {

const char* refuse_separable(const Problem& p) {
  int axes = 0;
  for (int a = 0; a < p.spatial_count; ++a) axes += p.spatial[a].kernel > 1;
  if (axes < 2) return "the kernel has several taps along one axis only";
  for (int a = 0; a < p.outer_count; ++a) {
    if (p.outer[a].role != Role::batch && p.outer[a].size > 1) return "several kernels or channels";
  }
  if (p.sum_type == DType::boolean) return "bool is the or of ands";
  if (is_integer(p.y_type) && !is_integer(p.sum_type)) return "sums that lose their fraction";
  if (has_real_factor(p)) return "one of the arrays is real, the other complex";
  if (p.summation != Summation::fast || p.divisor != 1) return "sums in a fixed order";
  return refuse_direct(p);
}

double separable_seconds(const Problem& p) {
  Compute c = Compute::u64;
  if (!floating_compute(p.sum_type, c)) c = itemsize(p.sum_type) <= 2 ? Compute::u16 : Compute::u32;
  const DirectCost rows = cost_model().direct(c, false);
  const auto size = static_cast<double>(itemsize(c));
  double outputs = 1;  // of the filters so far: samples of x along axes that weren't filtered yet
  for (int a = 0; a < p.outer_count; ++a) outputs *= static_cast<double>(p.outer[a].size);
  for (int a = 0; a < p.spatial_count; ++a) outputs *= static_cast<double>(p.spatial[a].in);
  double seconds = rows.call;
  int left = 0;
  for (int a = 0; a < p.spatial_count; ++a) left += p.spatial[a].kernel > 1;
  for (int a = 0; a < p.spatial_count; ++a) {
    const SpatialAxis& axis = p.spatial[a];
    outputs *= static_cast<double>(axis.out) / static_cast<double>(axis.in);
    if (axis.kernel == 1) continue;
    const double bytes = left-- == 1 ? 0 : 2 * size * rows.byte + size * cost_model().line_byte;
    seconds += outputs * (static_cast<double>(axis.kernel) * rows.product + bytes);
  }
  return seconds;
}

}  // namespace convcorr
