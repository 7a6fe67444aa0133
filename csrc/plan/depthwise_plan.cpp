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

namespace {

double times(index_t n) { return static_cast<double>(n); }

double seconds_by_planes(const Problem& p, const GemmPlan& g) {
  const double product = cost_model().direct(g.compute, false).product * 1.2;
  constexpr double row = 6e-9, plane = 60e-9;  // of what is copied
  const SpatialAxis& lane = g.axis[g.axes - 1];
  const double sample = lane.x_stride != itemsize(p.x_type) ? 0.6e-9 : lane.stride > 1 ? 0.3e-9 : 0.08e-9;
  const double planes = times(g.positions / lane.out / g.plane_row.out) * times(g.batches) * times(g.groups);
  const double rows = planes * times(g.plane_row.out);
  const double columns = times(ceil_div(lane.out, g.lanes) * g.lanes);
  const double products = rows * columns * times(g.taps) * times(g.rows);
  const double samples = rows * times(lane.out * lane.stride) * times(std::min(g.plane_row.stride, g.plane_row.kernel));
  const double depth = times(g.taps) / times(lane.kernel * g.plane_row.kernel);  // planes seen by a plane of outputs
  return products * product + depth * (samples * sample + rows * row) + planes * plane + 3e-6;
}

// What outputs see with zeros around, far apart where taps are, of a few rows and a register of channels.
bool fits_copies(const GemmPlan& g) {
  constexpr double most_pixels = 1 << 16;
  constexpr index_t rows = 4, columns = 256;
  const auto reach = [](const SpatialAxis& a, index_t most) {
    const double between = times(std::min(a.out, most) - 1) * times(a.stride);
    return between + times(a.kernel - 1) * times(a.dilation) + 1;
  };
  const SpatialAxis& lane = g.axis[g.axes - 1];
  const double planes = times(g.taps) / times(lane.kernel * g.plane_row.kernel);
  return planes * reach(g.plane_row, rows) * reach(lane, columns) <= most_pixels;
}

// Planes are turned whole rows at a time, and of no more axes than two.
bool suits_channels(const GemmPlan& g) {
  constexpr index_t longest_row = 256;  // that is turned by every job that sees it
  if (g.group_axes != 1 || g.rows > 1 || g.y_axes > 0 || 2 * g.groups < g.lanes) return false;
  if (!g.pixels_in_place && !fits_copies(g)) return false;
  if (!g.turns_planes) return true;
  const SpatialAxis& lane = g.axis[g.axes - 1];
  return g.native_x && g.axes <= 2 && lane.x_stride == itemsize(g.compute) && lane.in <= longest_row;
}

double seconds_by_channels(const GemmPlan& g) {
  constexpr double copied = 0.1e-9, row = 15e-9;
  const double turned = g.compute == Compute::f32 ? 0.28e-9 : 0.42e-9;
  const double product = cost_model().direct(g.compute, false).product;
  const double channels = times(ceil_div(g.groups, g.lanes) * g.lanes) * times(g.batches);
  const SpatialAxis& lane = g.axis[g.axes - 1];
  const double outputs = times(g.positions);
  const double beside = g.turns_planes ? times(lane.in) / times(lane.out)  // whole rows
                                       : times(std::min(lane.stride, lane.kernel * lane.dilation));
  const double samples =
      outputs * beside * times(std::min(g.plane_row.stride, g.plane_row.kernel * g.plane_row.dilation));
  const double depth = times(g.taps) / times(lane.kernel * g.plane_row.kernel);
  const double copies =
      g.pixels_in_place ? 0 : depth * (samples * copied + outputs / times(lane.out) * row / times(g.lanes));
  const double turns = g.turns_planes ? (samples + outputs) * turned : 0;
  return channels * (outputs * times(g.taps) * product + copies + turns + times(g.taps) * turned) + 3e-6;
}

}  // namespace

double plan_depthwise(const Problem& p, GemmPlan& g) {
  const double by_planes = seconds_by_planes(p, g);
  g.turns_planes = g.group_axes == 1 && g.group[0].x_stride != itemsize(p.x_type);
  g.by_channels = suits_channels(g);
  if (!g.by_channels) return by_planes;
  const double by_channels = seconds_by_channels(g);
  constexpr double worth_it = 1.1;  // of planes more is predicted than measured
  g.by_channels = by_channels * worth_it < by_planes;
  return g.by_channels ? by_channels : by_planes;
}

}  // namespace convcorr
