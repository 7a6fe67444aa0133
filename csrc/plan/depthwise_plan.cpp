#include "plan/depthwise_plan.h"

#include <algorithm>

#include "base/checked.h"
#include "plan/cost.h"

namespace convcorr {

const char* refuse_depthwise(const GemmPlan& g) {
  if (g.channels > 1) return "outputs that see several channels";
  if (g.taps > most_in_order) return "more taps than are summed one by one";
  return nullptr;
}

double depthwise_seconds(const GemmPlan& g) {
  const auto times = [](index_t n) { return static_cast<double>(n); };
  const double product = cost_model().direct(g.compute, false).product * 1.2;
  constexpr double sample = 0.08e-9, row = 6e-9, plane = 60e-9;  // of what is copied
  const SpatialAxis& lane = g.axis[g.axes - 1];
  const double planes = times(g.positions / lane.out / g.plane_row.out) * times(g.batches) * times(g.groups);
  const double rows = planes * times(g.plane_row.out);
  const double columns = times(ceil_div(lane.out, g.lanes) * g.lanes);
  const double products = rows * columns * times(g.taps) * times(g.rows);
  const double samples = rows * times(lane.out * lane.stride) * times(std::min(g.plane_row.stride, g.plane_row.kernel));
  const double depth = times(g.taps) / times(lane.kernel * g.plane_row.kernel);  // planes seen by a plane of outputs
  return products * product + depth * (samples * sample + rows * row) + planes * plane + 3e-6;
}

}  // namespace convcorr
