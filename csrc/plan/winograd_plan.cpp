#include "plan/winograd_plan.h"

#include <algorithm>

#include "base/buffer.h"
#include "base/checked.h"
#include "dispatch/registry.h"
#include "kernels/gemm_table.h"
#include "kernels/winograd_table.h"
#include "plan/cost.h"

namespace convcorr {
namespace {

constexpr index_t taps_along = 3;
// Channels summed one by one: longer sums are taken in parts, whose roundings add up more slowly.
constexpr index_t longest_sum = 32;

DType type_of(Compute c) { return c == Compute::f32 ? DType::f32 : DType::f64; }

// Whether an axis without taps only picks samples of x.
bool is_batch(const SpatialAxis& a) {
  return a.kernel == 1 && a.offset >= 0 && a.offset + (a.out - 1) * a.stride < a.in;
}

bool is_whole(index_t stride, index_t size) { return stride % size == 0; }

// The axes with taps; as lane the one that is contiguous in x and y, or as many of them as can be.
void assign_axes(const Problem& p, WinogradPlan& w) {
  int taps[2] = {0, 0}, count = 0;
  for (int a = 0; a < p.spatial_count; ++a) {
    if (p.spatial[a].kernel == taps_along && count < 2) taps[count++] = a;
  }
  const auto contiguous = [&](int a) {
    return (p.spatial[a].x_stride == itemsize(p.x_type)) + (p.spatial[a].y_stride == itemsize(p.y_type));
  };
  const bool turned = contiguous(taps[0]) > contiguous(taps[1]);
  w.row_axis = taps[turned];
  w.lane_axis = taps[!turned];
}

void look_at_layout(const Problem& p, WinogradPlan& w) {
  const SpatialAxis &row = p.spatial[w.row_axis], &lane = p.spatial[w.lane_axis];
  const index_t size = itemsize(w.compute);
  w.x_in_place =
      p.x_type == type_of(w.compute) && !p.x_swapped && lane.x_stride == size && is_whole(row.x_stride, size);
  w.y_in_place = p.y_type == type_of(w.compute) && lane.y_stride == size && is_whole(row.y_stride, size);
  const bool reads_border = lane.offset < 0 || lane.offset + lane.out + taps_along - 1 > lane.in;
  if (lane.border != Border::constant && reads_border) w.x_in_place = false;
  w.taps_in_place =
      p.h_type == type_of(w.compute) && !p.h_swapped && lane.h_stride == size && row.h_stride == taps_along * size;
  w.images = w.groups = w.ins = w.outs = 1;
  index_t tap_stride = taps_along * taps_along * size;
  for (int a = p.outer_count - 1; a >= 0; --a) {
    const OuterAxis& o = p.outer[a];
    index_t& count = o.role == Role::batch        ? w.images
                     : o.role == Role::group      ? w.groups
                     : o.role == Role::in_channel ? w.ins
                                                  : w.outs;
    count = checked_mul(count, o.size);
    if (o.role == Role::batch && !is_whole(o.x_stride, size)) w.x_in_place = false;
    if (o.role == Role::batch && !is_whole(o.y_stride, size)) w.y_in_place = false;
    if (o.role != Role::in_channel || o.size == 1) continue;
    if (o.h_stride != tap_stride) w.taps_in_place = false;
    tap_stride *= o.size;
  }
  for (int a = 0; a < p.spatial_count; ++a) {
    if (a == w.row_axis || a == w.lane_axis) continue;
    w.images = checked_mul(w.images, p.spatial[a].out);
    if (!is_whole(p.spatial[a].x_stride, size)) w.x_in_place = false;
    if (!is_whole(p.spatial[a].y_stride, size)) w.y_in_place = false;
  }
}

// Strides that are a multiple of 4 KB would put the points of a register into the same few cache sets.
index_t apart(index_t scalars, index_t size) {
  const index_t line = Scratch::line / size;
  const index_t rounded = ceil_div(scalars, line) * line;
  return rounded * size % 4096 < 64 ? rounded + line : rounded;
}

void cut_jobs(WinogradPlan& w) {
  constexpr double cache = 1 << 20;
  constexpr index_t fewest_jobs = 8, fewest_blocks = 4;
  const auto size = static_cast<double>(itemsize(w.compute));
  const auto points = static_cast<double>(w.points * w.points);
  const index_t most = kernels().gemm->f32.most_vectors, rows = kernels().gemm->f32.tile_rows;
  w.row_tile = rows;
  const double register_samples = points * static_cast<double>(w.ins * w.lanes) * size;
  const double all_samples = register_samples * static_cast<double>(w.registers) * static_cast<double>(w.groups);
  w.shares_samples = all_samples <= 1.3 * cache;
  w.depth = ceil_div(w.ins, ceil_div(w.ins, longest_sum));
  w.outs_at_once = std::min(w.outs, index_t(32));
  if (w.shares_samples) {
    w.block_registers = w.registers;
    const index_t wanted = std::max<index_t>(1, ceil_div(fewest_jobs, w.groups));
    w.outs_per_job = std::min(ceil_div(ceil_div(w.outs, wanted), rows) * rows, w.outs_at_once);
    w.outs_at_once = std::min(w.outs_per_job, w.outs_at_once);
  } else {
    const double fits = cache / register_samples;
    // A panel's width at most: more tiles read transformed taps less often, but push them out of the second cache.
    index_t block = std::clamp(static_cast<index_t>(fits), index_t(1), most);
    block = std::min(block, std::max<index_t>(1, w.registers * w.groups / fewest_blocks));
    w.block_registers = std::min(block, w.registers);
    w.outs_per_job = w.outs;
  }
  w.shares_taps = !w.shares_samples;
  w.blocks = ceil_div(w.registers, w.block_registers);
  w.out_jobs = ceil_div(w.outs, w.outs_per_job);
  w.panel_registers = static_cast<int>(std::min(most, w.block_registers));
  if (w.block_registers % w.panel_registers == 1 && w.panel_registers > 2) w.panel_registers = 2;
  // Turned, tiles needn't fill registers; out channels do.
  w.turned =
      w.shares_samples && (w.lanes == rows || w.lanes == 2 * rows) && w.lanes >= w.outputs && w.outs >= 2 * w.lanes;
  if (w.turned) {
    w.panel_registers = w.outs >= 8 * w.lanes ? 2 : 1;
    w.outs_per_job = w.outs_at_once = w.panel_registers * w.lanes;
    w.out_jobs = ceil_div(w.outs, w.outs_per_job);
  }
  w.jobs = checked_mul(checked_mul(w.groups, w.blocks), w.out_jobs);
}

void measure_scratch(WinogradPlan& w) {
  const index_t size = itemsize(w.compute), points = w.points * w.points;
  w.tap_row = ceil_div(w.ins, w.lanes) * w.lanes;
  if (w.tap_row * size % 2048 == 0) w.tap_row += w.lanes;
  const index_t taps = w.shares_taps ? w.outs : w.outs_at_once;
  const index_t panels = w.turned ? ceil_div(taps, w.outs_at_once) : 1;
  w.tap_point = apart(w.turned ? checked_mul(w.outs_at_once, w.ins) : checked_mul(taps, w.tap_row), size);
  w.group_taps = checked_mul(checked_mul(w.tap_point, points), panels);
  w.sample_point = apart(checked_mul(checked_mul(w.ins, w.block_registers), w.lanes), size);
  w.sum_point = apart(checked_mul(checked_mul(w.outs_at_once, w.block_registers), w.lanes), size);
  w.shared_samples = w.shares_samples ? checked_mul(checked_mul(w.sample_point, points), w.groups) : 0;
  w.shared_taps = w.shares_taps ? checked_mul(w.group_taps, w.groups) : 0;
  w.shared_bytes =
      Scratch::padded(checked_mul(w.shared_samples, size)) + Scratch::padded(checked_mul(w.shared_taps, size));
  w.job_bytes = Scratch::padded(checked_mul(checked_mul(w.sum_point, points), size));
  if (!w.shares_samples) w.job_bytes += Scratch::padded(w.sample_point * points * size);
  if (!w.shares_taps) w.job_bytes += Scratch::padded(w.group_taps * size);
}

void predict(WinogradPlan& w) {
  const DirectCost cost = cost_model().direct(w.compute, false);
  const auto points = static_cast<double>(w.points * w.points);
  // What a point takes beside a multiply-add of the products: transforms load and store each.
  constexpr double product = 1.05, lonely_product = 1.45, sample = 18, sum = 10, tap = 11;
  const index_t tiles = checked_mul(checked_mul(w.images, w.tile_rows), w.tile_columns);
  const auto groups = static_cast<double>(w.groups), ins = static_cast<double>(w.ins);
  const auto outs = static_cast<double>(w.turned ? ceil_div(w.outs, w.outs_at_once) * w.outs_at_once : w.outs);
  const auto columns = static_cast<double>(w.registers * w.lanes);
  const double of_products = ins * outs * (w.turned ? static_cast<double>(tiles) : columns);
  const double unit = points * groups * cost.product;
  const double samples = unit * columns * ins * sample, taps = unit * ins * outs * tap;
  w.seconds = unit * (of_products * (w.panel_registers > 1 ? product : lonely_product) + columns * outs * sum) +
              samples + taps + 3e-6;
  w.tap_seconds = w.shares_taps ? taps : 0;
  w.sample_seconds = w.shares_samples ? samples : 0;
}

}  // namespace

const char* refuse_winograd(const Problem& p) {
  Compute c;
  if (is_complex(p.sum_type) || !floating_compute(p.sum_type, c)) return "sums that aren't real floating numbers";
  const auto& convert = *kernels().convert;
  if (!convert.load[static_cast<int>(p.x_type)][static_cast<int>(c)] ||
      !convert.load[static_cast<int>(p.h_type)][static_cast<int>(c)] ||
      !convert.store[static_cast<int>(c)][static_cast<int>(p.y_type)] || is_integer(p.y_type)) {
    return "no kernel converts between these types";
  }
  if (p.summation != Summation::fast || p.divisor != 1 || p.bound != 0) return "sums in a fixed order, or divided";
  if (!(p.fill.re - p.fill.re == 0)) return "a fill that isn't finite";
  int axes = 0;
  for (int a = 0; a < p.spatial_count; ++a) {
    const SpatialAxis& s = p.spatial[a];
    if (s.in_dilation != 1) return "dilated inputs";
    if (is_batch(s)) continue;
    if (s.kernel != taps_along) return "a kernel that isn't 3 x 3";
    if (s.stride != 1 || s.dilation != 1) return "strided or dilated taps";
    ++axes;
  }
  return axes == 2 ? nullptr : "a kernel that isn't 3 x 3";
}

void make_winograd_plan(const Problem& p, WinogradPlan& w, int outputs) {
  floating_compute(p.sum_type, w.compute);
  assign_axes(p, w);
  look_at_layout(p, w);
  const auto tile = [&](int m) {
    w.outputs = m;
    w.points = m + 2;
    w.lanes = kernels().taps->register_bytes / itemsize(w.compute);
    w.tile_rows = ceil_div(p.spatial[w.row_axis].out, m);
    w.tile_columns = ceil_div(p.spatial[w.lane_axis].out, m);
    const index_t tiles = checked_mul(checked_mul(w.images, w.tile_rows), w.tile_columns);
    w.registers = ceil_div(tiles, w.lanes);
    cut_jobs(w);
    measure_scratch(w);
    predict(w);
  };
  if (outputs == 2) return tile(2);
  tile(4);
  if (outputs == 4) return;
  const WinogradPlan large = w;
  tile(2);
  if (large.seconds <= w.seconds) w = large;
}

WinogradPlan with_prepared_taps(const WinogradPlan& plan) {
  WinogradPlan w = plan;
  w.shares_taps = true;
  measure_scratch(w);
  const index_t taps = w.shared_taps * itemsize(w.compute);
  w.shared_bytes -= Scratch::padded(taps);
  w.seconds -= w.tap_seconds;
  w.tap_seconds = 0;
  return w;
}

}  // namespace convcorr
