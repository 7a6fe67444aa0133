#include "plan/gemm_plan.h"

#include <algorithm>
#include <cstdlib>

#include "base/checked.h"
#include "dispatch/registry.h"
#include "kernels/table.h"
#include "plan/cost.h"
#include "problem/image_planes.h"

namespace convcorr {
namespace {

constexpr index_t panel_bytes = 24 << 10;        // of a chunk: leaves the first cache room for a tile's weights
constexpr index_t pixel_panel_bytes = 30 << 10;  // likewise, beside a tile's samples
constexpr index_t weights_bytes = 256 << 10;     // of a job's rows in a chunk: the second cache's
constexpr index_t sums_bytes = 256 << 10;        // of a job's sums, which every chunk adds to

// An axis whose outputs are its samples, one by one.
bool is_plain(const SpatialAxis& a) { return a.kernel == 1 && a.stride == 1 && a.offset == 0 && a.in == a.out; }

// The outer axis steps as far as the inner one is long.
bool goes_on(const SpatialAxis& outer, const SpatialAxis& inner) {
  return is_plain(outer) && is_plain(inner) && outer.x_stride == inner.x_stride * inner.in &&
         outer.y_stride == inner.y_stride * inner.out;
}

// Axes of one sample, one tap and one output say nothing.
bool says_nothing(const SpatialAxis& a) { return is_plain(a) && a.in == 1; }

void collect_axes(const Problem& p, GemmPlan& g) {
  g.row = {Role::out_channel, 1, 0, 0, 0};
  g.channel = {Role::in_channel, 1, 0, 0, 0};
  for (int a = 0; a < p.outer_count; ++a) {
    const OuterAxis& o = p.outer[a];
    if (o.role == Role::batch) g.batch[g.batch_axes++] = o, g.batches = checked_mul(g.batches, o.size);
    if (o.role == Role::group) g.group[g.group_axes++] = o, g.groups = checked_mul(g.groups, o.size);
    if (o.role == Role::out_channel && o.size > 1) g.row = o;
    if (o.role == Role::in_channel && o.size > 1) g.channel = o;
  }
  for (int a = 0; a < p.spatial_count; ++a) {
    const SpatialAxis& s = p.spatial[a];
    if (says_nothing(s) && p.spatial_count > 1) continue;
    if (g.axes > 0 && goes_on(g.axis[g.axes - 1], s)) {
      SpatialAxis& before = g.axis[g.axes - 1];
      before.in = before.out = before.in * s.in;
      before.x_stride = s.x_stride;
      before.y_stride = s.y_stride;
    } else {
      g.axis[g.axes++] = s;
    }
  }
  if (g.axes == 0) g.axis[g.axes++] = plain_axis(1, 1, 1);
  g.plane_row = g.axes > 1 ? g.axis[g.axes - 2] : plain_axis(1, 1, 1);
  g.rows = g.row.size;
  g.channels = g.channel.size;
  for (int a = 0; a < g.axes; ++a) {
    g.taps = checked_mul(g.taps, g.axis[a].kernel);
    g.positions = checked_mul(g.positions, g.axis[a].out);
  }
  g.depth = checked_mul(g.channels, g.taps);
}

DType plain_type(Compute c) { return c == Compute::f32 ? DType::f32 : DType::f64; }

void measure_x(const Problem& p, GemmPlan& g) {
  const index_t item = itemsize(p.x_type);
  g.native_x = p.x_type == plain_type(g.compute) && !p.x_swapped;
  g.x_high = item;
  const auto reach = [&](index_t size, index_t stride) {
    (stride < 0 ? g.x_low : g.x_high) += (size - 1) * stride;
    g.native_x = g.native_x && stride % item == 0;
  };
  for (int a = 0; a < p.outer_count; ++a) reach(p.outer[a].size, p.outer[a].x_stride);
  for (int a = 0; a < p.spatial_count; ++a) reach(p.spatial[a].in, p.spatial[a].x_stride);
}

// By pixels, tables say where the samples of weights lie that go back to front.
bool weights_in_place(const Problem& p, const GemmPlan& g) {
  const index_t item = itemsize(p.h_type);
  if (p.h_type != plain_type(g.compute) || p.h_swapped) return false;
  index_t neighbour = item;
  for (int a = g.axes - 1; a >= 0; --a) {
    if (g.axis[a].kernel == 1) continue;
    if ((p.flip && !g.by_pixels) || g.axis[a].h_stride != neighbour) return false;
    neighbour *= g.axis[a].kernel;
  }
  if (g.channels > 1 && g.channel.h_stride != neighbour) return false;
  for (int a = 0; a < g.group_axes; ++a) {
    if (g.group[a].h_stride % item != 0) return false;
  }
  return g.row.h_stride % item == 0 && (g.rows == 1 || g.row.h_stride > 0);
}

// Whether an item's outputs, in their order, are neighbours in y.
bool is_y_native(const Problem& p, const GemmPlan& g) {
  const index_t item = itemsize(p.y_type);
  if (p.y_type != plain_type(g.compute) || g.row.y_stride % item != 0) return false;
  index_t neighbour = item;
  for (int a = g.axes - 1; a >= 0; --a) {
    if (g.axis[a].out > 1 && g.axis[a].y_stride != neighbour) return false;
    neighbour *= g.axis[a].out;
  }
  return true;
}

// Columns dropped between rows, and taps that all lie in planes at a time, must be few.
bool suits_planes(const GemmPlan& g) {
  constexpr index_t most_taps = 1024;
  const SpatialAxis& lane = g.axis[g.axes - 1];
  const index_t reach = (lane.kernel - 1) * lane.dilation / lane.stride;
  return g.taps <= most_taps && (g.plane_row.out == 1 || reach <= lane.out);
}

// Samples of one tap lie in x as they do in planes. Where channels are far apart, copies are faster all the same: their
// registers cross no cache lines, and their rows share pages.
bool suits_in_place(const GemmPlan& g) {
  constexpr index_t farthest = 1024;  // bytes
  const SpatialAxis& lane = g.axis[0];
  return g.native_x && g.axes == 1 && is_plain(lane) && lane.x_stride == itemsize(g.compute) &&
         std::abs(g.channel.x_stride) <= farthest;
}

// All axes as one where x has a channel's samples one behind the other, wherever y has the outputs: what is computed
// must not depend on that.
void merge_samples(GemmPlan& g) {
  for (int a = 0; a < g.axes; ++a) {
    const bool follows = a == g.axes - 1 || g.axis[a].x_stride == g.axis[a + 1].x_stride * g.axis[a + 1].in;
    if (!is_plain(g.axis[a]) || !follows) return;
  }
  if (g.axes == 1) return;
  std::copy_n(g.axis, g.axes, g.y_axis);
  g.y_axes = g.axes;
  SpatialAxis all = g.axis[g.axes - 1];
  all.in = all.out = g.positions;
  g.axis[0] = all;
  g.axes = 1;
  g.plane_row = plain_axis(1, 1, 1);
  g.native_y = false;
}

// Few outputs behind the last whole register of an image, all of whose others are whole. A lane's products are summed
// one by one.
index_t dots_of(const GemmPlan& g) {
  constexpr index_t most_positions = 256;
  const index_t rest = g.positions % g.lanes;
  const bool flat = g.x_in_place || (g.axes <= 2 && g.positions <= most_positions);
  const bool sums_few = g.channels >= g.lanes && g.channels <= g.lanes * most_in_order;
  return flat && g.taps == 1 && sums_few && 4 * rest <= g.lanes ? rest : 0;
}

// Many more taps than outputs, as of a weight's gradient: with the roles of both exchanged, planes suit.
bool suits_turning(const GemmPlan& g) {
  const SpatialAxis& lane = g.axis[g.axes - 1];
  int batch_axes = 0;
  for (int a = 0; a < g.batch_axes; ++a) batch_axes += g.batch[a].size > 1;
  return batch_axes <= 1 && g.taps >= 64 && g.taps >= 2 * g.positions && g.positions <= 1024 && g.rows >= 4 &&
         (lane.out - 1) * lane.stride / lane.dilation <= lane.kernel;
}

// Whether all taps of all outputs lie over samples.
bool stays_inside(const GemmPlan& g) {
  for (int a = 0; a < g.axes; ++a) {
    const SpatialAxis& s = g.axis[a];
    if (s.offset < 0 || (s.out - 1) * s.stride + (s.kernel - 1) * s.dilation + s.offset >= s.in) return false;
  }
  return true;
}

// Samples that a job copies for each of its outputs, channel by channel.
double copied_pixels(const GemmPlan& g) {
  if (g.pixels_in_place) return 0;
  const SpatialAxis &row = g.plane_row, &lane = g.axis[g.axes - 1];
  const index_t columns = std::min(lane.out, wanted_pixels);
  const index_t lines = std::clamp<index_t>(wanted_pixels / columns, 1, row.out);
  const auto reach = [](const SpatialAxis& a, index_t n) {
    return static_cast<double>((n - 1) * a.stride + (a.kernel - 1) * a.dilation + 1);
  };
  const index_t planes = g.taps / (row.kernel * lane.kernel);
  return reach(row, lines) * reach(lane, columns) * static_cast<double>(planes) / static_cast<double>(lines * columns);
}

constexpr double copied_sample = 0.15e-9, turned_weight = 0.15e-9;  // [s]
double product_seconds(const GemmPlan& g) { return cost_model().direct(g.compute, false).product * 0.9; }

// Channels innermost in x, however y lies, lest results depend on that; and enough outputs to turn weights for.
bool suits_pixels(const Problem& p, const GemmPlan& g) {
  constexpr index_t fewest_pixels = 24, most_taps = 1024;
  if (g.channels == 1 || g.channel.x_stride != itemsize(p.x_type)) return false;
  if (g.rows < g.lanes / 2 || g.taps > most_taps) return false;
  const double products = static_cast<double>(g.taps * g.rows) * product_seconds(g);
  return g.positions * g.batches >= fewest_pixels && copied_pixels(g) * copied_sample < products;
}

// Samples of several parts are copied at once: short copies take as long as longer ones. But their table stays short.
void cut_depth_by_pixels(GemmPlan& g) {
  constexpr index_t fewest_at_once = 32, longest_table = 2048;
  g.most_at_once = std::clamp<index_t>(pixel_panel_bytes / (g.width() * itemsize(g.compute)), 16, most_in_order);
  const index_t whole = std::max<index_t>(g.most_at_once / g.taps, 1);
  const index_t most = std::max(std::min(ceil_div(fewest_at_once, whole) * whole, longest_table / g.taps), whole);
  g.channels_per_chunk = ceil_div(g.channels, ceil_div(g.channels, most));
  g.taps_per_chunk = g.taps;
}

void cut_depth(GemmPlan& g) {
  if (g.by_pixels) return cut_depth_by_pixels(g);
  const index_t item = itemsize(g.compute);
  const index_t most = std::clamp<index_t>(panel_bytes / (g.width() * item), 16, most_in_order);
  const index_t chunks = ceil_div(g.depth, most), even = ceil_div(g.depth, chunks);
  g.channels_per_chunk = std::max<index_t>(even / g.taps, 1);
  g.taps_per_chunk = g.taps;
  if (g.taps > most && !g.by_planes) g.taps_per_chunk = ceil_div(g.taps, ceil_div(g.taps, most));
}

// Enough jobs for any number of threads one may meet, but none so small that packing its panels weighs more than using
// them.
void cut_jobs(GemmPlan& g) {
  constexpr index_t wanted_jobs = 16, fewest_rows = 64;
  const index_t item = itemsize(g.compute), width = g.width();
  g.column_sets = g.crosses_items ? 1 : g.batches;
  g.columns = g.crosses_items ? g.positions * g.batches : g.positions;
  const index_t chunk = std::min(g.depth, g.channels_per_chunk * g.taps_per_chunk);
  const index_t panels = ceil_div(g.columns, width);
  g.rows_per_job = std::min(g.rows, std::max<index_t>(weights_bytes / (chunk * item) / 32 * 32, 32));
  index_t per_job = std::clamp<index_t>(sums_bytes / (g.rows_per_job * width * item), 1, std::min<index_t>(panels, 16));
  const index_t outer = g.groups * g.column_sets;
  const auto jobs = [&] { return outer * ceil_div(g.rows, g.rows_per_job) * ceil_div(panels, per_job); };
  while (jobs() < wanted_jobs && per_job > 4) per_job = ceil_div(per_job, 2);
  while (jobs() < wanted_jobs && g.rows_per_job > fewest_rows) {
    g.rows_per_job = ceil_div(g.rows_per_job, 2 * 16) * 16;
  }
  while (jobs() < wanted_jobs && per_job > 1) per_job = ceil_div(per_job, 2);
  per_job = ceil_div(panels, ceil_div(panels, per_job));
  g.columns_per_job = per_job * width;
  g.column_jobs = ceil_div(panels, per_job);
  g.row_jobs = ceil_div(g.rows, g.rows_per_job);
  g.jobs = checked_mul(outer, g.column_jobs * g.row_jobs);
}

double predict_by_pixels(const GemmPlan& g) {
  const auto times = [](index_t n) { return static_cast<double>(n); };
  const double pixels = times(g.positions * g.batches) * times(g.groups), depth = times(g.depth);
  const double products = pixels * times(ceil_div(g.rows, g.lanes) * g.lanes) * depth;
  const double weights = times(g.rows) * depth * times(g.groups) * (g.weights_in_place ? turned_weight : 1e-9);
  const double copies = pixels * times(g.channels) * copied_pixels(g);
  return products * product_seconds(g) + copies * copied_sample + weights + 3e-6;
}

double predict(const GemmPlan& g) {
  if (g.by_pixels) return predict_by_pixels(g);
  const double product = product_seconds(g);
  const auto times = [](index_t n) { return static_cast<double>(n); };
  // A single row reads as much as it multiplies.
  const double padded_rows = g.rows == 1 ? 2.5 : times(ceil_div(g.rows, 4) * 4);
  const SpatialAxis& lane = g.axis[g.axes - 1];
  const index_t reach = g.by_planes && g.plane_row.out > 1 ? (lane.kernel - 1) * lane.dilation / lane.stride : 0;
  const double dropped = 1 + 0.6 * times(reach) / times(lane.out);  // zeros that rows share are not dropped
  const double padded_columns = g.turned
                                    ? times(g.positions * g.batches)
                                    : dropped * times(ceil_div(g.columns, g.lanes) * g.lanes) * times(g.column_sets);
  const double products = padded_rows * padded_columns * times(g.depth) * times(g.groups);
  // A sample is copied once for all its taps, or once for each.
  const double copies = g.by_planes ? times(g.channels) * 4 : times(g.depth) * times(g.row_jobs);
  const double packed = padded_columns * copies * times(g.groups);
  const double weights = g.weights_in_place ? 0 : times(g.rows) * times(g.depth) * times(g.groups);
  return products * product + packed * copied_sample + weights * 1e-9 + times(g.groups * g.batches) * 0.1e-6 + 3e-6;
}

}  // namespace

const GemmFunctions& GemmPlan::functions() const {
  return compute == Compute::f32 ? kernels().gemm->f32 : kernels().gemm->f64;
}

const char* refuse_gemm(const Problem& p) {
  Compute c;
  if (!floating_compute(p.sum_type, c) || is_complex(c)) return "sums that are not real floating numbers";
  if (is_complex(p.x_type) || is_complex(p.h_type) || p.y_type == DType::f80)
    return "a type that it does not compute in";
  const auto& convert = *kernels().convert;
  if (!convert.load[static_cast<int>(p.x_type)][static_cast<int>(c)] ||
      !convert.load[static_cast<int>(p.h_type)][static_cast<int>(c)] ||
      !convert.store[static_cast<int>(c)][static_cast<int>(p.y_type)]) {
    return "a type that it does not convert";
  }
  if (p.summation != Summation::fast || p.divisor != 1 || p.bound != 0) return "sums in a fixed order";
  if (p.narrowing != Narrowing::wrap && is_integer(p.y_type)) return "results that are rounded";
  if (!fill_is_zero(p)) return "a fill value that is not zero";
  int rows = 0, channels = 0;
  for (int a = 0; a < p.outer_count; ++a) {
    rows += p.outer[a].role == Role::out_channel && p.outer[a].size > 1;
    channels += p.outer[a].role == Role::in_channel && p.outer[a].size > 1;
  }
  if (rows > 1 || channels > 1) return "several axes of channels";
  for (int a = 0; a < p.spatial_count; ++a) {
    if (p.spatial[a].in_dilation > 1) return "zeros between samples";
  }
  return nullptr;
}

namespace {

void plan_as_it_lies(const Problem& p, GemmPlan& g) {
  g = GemmPlan();
  floating_compute(p.sum_type, g.compute);
  collect_axes(p, g);
  measure_x(p, g);
  g.native_y = is_y_native(p, g);
  g.vectors = g.functions().most_vectors;
  g.lanes = kernels().taps->register_bytes / itemsize(g.compute);
  constexpr index_t fewest_rows = 48;  // that panels made tap by tap must serve
  g.crosses_items = g.positions < 4 * g.width() && g.batches > 1 && g.rows >= fewest_rows;
  g.turned = suits_turning(g);
  g.pixels_in_place = g.native_x && stays_inside(g);
  g.by_pixels = !g.turned && suits_pixels(p, g);
  if (g.by_pixels) g.crosses_items = false;
  g.by_planes = !g.by_pixels && !g.crosses_items && !g.turned && suits_planes(g);
  if (g.by_planes && g.channels > 1) merge_samples(g);  // sums of one product are the same either way
  g.x_in_place = g.by_planes && suits_in_place(g);
  g.dots = g.by_planes ? dots_of(g) : 0;
  g.weights_in_place = weights_in_place(p, g);
  cut_depth(g);
  cut_jobs(g);
  g.seconds = predict(g);
}

}  // namespace

// Planes of few samples fill no registers, which out channels would.
void make_gemm_plan(const Problem& p, GemmPlan& g) {
  plan_as_it_lies(p, g);
  constexpr double worth_it = 1.3, turned_byte = 0.1e-9;
  constexpr index_t most_bytes = 4 << 20;
  if (g.by_pixels || g.turned || g.x_in_place || g.positions > wanted_pixels || !x_has_planes(p)) return;
  const index_t bytes = x_planes_bytes(p);
  if (bytes > most_bytes) return;
  GemmPlan pixels;
  plan_as_it_lies(with_x_as_pixels(p), pixels);
  const double turning = static_cast<double>(bytes + y_planes_bytes(p)) * turned_byte + 3e-6;
  if (!pixels.by_pixels) return;
  // Jobs that turn their own weights wait for memory little longer than those that read them as they lie.
  const double weights = static_cast<double>(g.groups * g.rows) * static_cast<double>(g.depth);
  const double hidden = pixels.few_pixels() && pixels.weights_in_place ? weights * turned_weight * 2 / 3 : 0;
  if ((pixels.seconds - hidden + turning) * worth_it > g.seconds) return;
  const double seconds = std::min(g.seconds, pixels.seconds + turning);
  g = pixels;
  g.turns_x = true;
  g.seconds = seconds;
}

}  // namespace convcorr
