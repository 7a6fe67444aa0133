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

// Channels summed one by one: longer sums are taken in parts, whose roundings add up more slowly.
constexpr index_t longest_sum = 32;
constexpr index_t fewest_taps = 3;  // of an axis that tiles span
// Beyond, other ways are faster, and sums of as many parts less accurate.
constexpr index_t most_sections = 64;

DType type_of(Compute c) { return c == Compute::f32 ? DType::f32 : DType::f64; }

bool is_whole(index_t stride, index_t size) { return stride % size == 0; }

bool suits_tiles(const SpatialAxis& a) { return a.kernel >= fewest_taps && a.stride == 1 && a.dilation == 1; }

// As lane the axis that is contiguous in x and y, or as many of them as can be; as row the innermost other one.
void assign_axes(const Problem& p, WinogradPlan& w) {
  const auto contiguous = [&](int a) {
    return (p.spatial[a].x_stride == itemsize(p.x_type)) + (p.spatial[a].y_stride == itemsize(p.y_type));
  };
  w.row_axis = w.lane_axis = -1;
  for (int a = p.spatial_count - 1; a >= 0; --a) {
    if (suits_tiles(p.spatial[a]) && (w.lane_axis < 0 || contiguous(a) > contiguous(w.lane_axis))) w.lane_axis = a;
  }
  for (int a = p.spatial_count - 1; a >= 0 && w.row_axis < 0; --a) {
    if (suits_tiles(p.spatial[a]) && a != w.lane_axis) w.row_axis = a;
  }
}

// Whether the squares of in channels lie as kernels read them, tap_stride apart.
void look_at_taps(const Problem& p, WinogradPlan& w) {
  const SpatialAxis &row = row_axis_of(p, w), &lane = p.spatial[w.lane_axis];
  const index_t size = itemsize(w.compute);
  w.taps_in_place = p.h_type == type_of(w.compute) && !p.h_swapped && lane.h_stride == size &&
                    lane.kernel % w.lane.taps == 0 && row.kernel % w.rows.taps == 0 &&
                    (w.rows.taps == 1 || row.h_stride == w.lane.taps * size);
  w.tap_stride = 0;
  index_t expected = 0;
  for (int a = p.outer_count - 1; a >= 0; --a) {
    const OuterAxis& o = p.outer[a];
    if (o.role != Role::in_channel || o.size == 1) continue;
    if (w.tap_stride == 0) w.tap_stride = expected = o.h_stride;
    if (o.h_stride != expected) w.taps_in_place = false;
    expected *= o.size;
  }
  if (w.tap_stride == 0) w.tap_stride = w.rows.taps * w.lane.taps * size;
  if (w.tap_stride < 0 || !is_whole(w.tap_stride, size)) w.taps_in_place = false;
}

void look_at_layout(const Problem& p, WinogradPlan& w) {
  const SpatialAxis &row = row_axis_of(p, w), &lane = p.spatial[w.lane_axis];
  const index_t size = itemsize(w.compute);
  w.x_in_place =
      p.x_type == type_of(w.compute) && !p.x_swapped && lane.x_stride == size && is_whole(row.x_stride, size);
  w.y_in_place = p.y_type == type_of(w.compute) && lane.y_stride == size && is_whole(row.y_stride, size);
  const bool reads_border = lane.offset < 0 || lane.offset + lane.out + lane.kernel - 1 > lane.in;
  if (lane.border != Border::constant && reads_border) w.x_in_place = false;
  w.images = w.groups = w.ins = w.outs = 1;
  for (int a = p.outer_count - 1; a >= 0; --a) {
    const OuterAxis& o = p.outer[a];
    index_t& count = o.role == Role::batch        ? w.images
                     : o.role == Role::group      ? w.groups
                     : o.role == Role::in_channel ? w.ins
                                                  : w.outs;
    count = checked_mul(count, o.size);
    if (o.role == Role::batch && !is_whole(o.x_stride, size)) w.x_in_place = false;
    if (o.role == Role::batch && !is_whole(o.y_stride, size)) w.y_in_place = false;
  }
  w.sections = 1;
  for (int a = 0; a < p.spatial_count; ++a) {
    if (a == w.row_axis || a == w.lane_axis) continue;
    w.images = checked_mul(w.images, p.spatial[a].out);
    w.sections = checked_mul(w.sections, p.spatial[a].kernel);
    if (!is_whole(p.spatial[a].x_stride, size)) w.x_in_place = false;
    if (!is_whole(p.spatial[a].y_stride, size)) w.y_in_place = false;
  }
}

void cut_taps(const Problem& p, WinogradPlan& w) {
  w.row_sections = ceil_div(row_axis_of(p, w).kernel, index_t(w.rows.taps));
  w.lane_sections = ceil_div(p.spatial[w.lane_axis].kernel, index_t(w.lane.taps));
  w.sections = checked_mul(w.sections, w.row_sections * w.lane_sections);
  w.products = checked_mul(w.ins, w.sections);
  look_at_taps(p, w);
}

// Strides that are a multiple of 4 KB would put the points of a register into the same few cache sets.
index_t apart(index_t scalars, index_t size) {
  const index_t line = Scratch::line / size;
  const index_t rounded = ceil_div(scalars, line) * line;
  return rounded * size % 4096 < 64 ? rounded + line : rounded;
}

void cut_jobs(WinogradPlan& w) {
  constexpr double cache = 1 << 20, samples_in_cache = 1.5 * cache, most_samples = 6 * cache;
  constexpr index_t fewest_jobs = 8, fewest_blocks = 4, most_shared = 9;
  const auto size = static_cast<double>(itemsize(w.compute));
  const auto points = static_cast<double>(w.points);
  const index_t most = kernels().gemm->f32.most_vectors, rows = kernels().gemm->f32.tile_rows;
  w.row_tile = rows;
  const double register_samples = points * static_cast<double>(w.products * w.lanes) * size;
  const double all_samples = register_samples * static_cast<double>(w.registers) * static_cast<double>(w.groups);
  // Of more registers, blocks are enough for all threads. Samples may leave the second cache: taps, as many, then stay
  // there, with the job that made them.
  w.shares_samples = all_samples <= most_samples && w.registers <= most_shared;
  w.depth = ceil_div(ceil_div(w.ins, ceil_div(w.ins, longest_sum)), w.lanes) * w.lanes;
  w.outs_at_once = std::min(w.outs, index_t(32));
  if (w.shares_samples) {
    w.block_registers = w.registers;
    const index_t wanted = std::max<index_t>(1, ceil_div(fewest_jobs, w.groups));
    w.outs_per_job = std::min(ceil_div(ceil_div(w.outs, wanted), rows) * rows, w.outs_at_once);
    w.outs_at_once = std::min(w.outs_per_job, w.outs_at_once);
  } else {
    const double fits = samples_in_cache / register_samples;
    // A panel's width at most, or two of tiles of few points: more tiles read transformed taps less often, but push
    // them out of the second cache.
    index_t block = std::clamp(static_cast<index_t>(fits), index_t(1), w.row_axis < 0 ? 2 * most : most);
    if (block > most && block < 2 * most) block = most;
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
  w.turned = w.shares_samples && (w.lanes == rows || w.lanes == 2 * rows) && w.lanes >= w.lane.outputs &&
             w.outs >= 2 * w.lanes;
  if (w.turned) {
    w.panel_registers = w.outs >= 8 * w.lanes ? 2 : 1;
    w.outs_per_job = w.outs_at_once = w.panel_registers * w.lanes;
    w.out_jobs = ceil_div(w.outs, w.outs_per_job);
  }
  w.jobs = checked_mul(checked_mul(w.groups, w.blocks), w.out_jobs);
}

void measure_scratch(WinogradPlan& w) {
  const index_t size = itemsize(w.compute), points = w.points;
  const index_t chunks = checked_mul(w.sections, ceil_div(w.ins, w.depth));
  const index_t panels = w.shares_taps ? ceil_div(w.outs, w.outs_at_once) : 1;
  w.tap_chunk = w.outs_at_once * w.depth;
  w.tap_point = apart(w.turned ? checked_mul(w.outs_at_once, w.products) : checked_mul(w.tap_chunk, chunks), size);
  w.group_taps = checked_mul(checked_mul(w.tap_point, points), panels);
  w.sample_point = apart(checked_mul(checked_mul(w.products, w.block_registers), w.lanes), size);
  w.sum_point = apart(checked_mul(checked_mul(w.outs_at_once, w.block_registers), w.lanes), size);
  w.shared_samples = w.shares_samples ? checked_mul(checked_mul(w.sample_point, points), w.groups) : 0;
  w.shared_taps = w.shares_taps ? checked_mul(w.group_taps, w.groups) : 0;
  w.shared_bytes =
      Scratch::padded(checked_mul(w.shared_samples, size)) + Scratch::padded(checked_mul(w.shared_taps, size));
  w.job_bytes = Scratch::padded(checked_mul(checked_mul(w.sum_point, points), size));
  if (!w.shares_samples) w.job_bytes += Scratch::padded(w.sample_point * points * size);
  if (!w.shares_taps) w.job_bytes += Scratch::padded(w.group_taps * size);
}

// Rows along a strided axis, where another is contiguous and other ways read that one.
bool reads_across(const Problem& p, const WinogradPlan& w) {
  bool contiguous = false;
  for (int a = 0; a < p.spatial_count; ++a) {
    contiguous |= p.spatial[a].in > 1 && p.spatial[a].x_stride == itemsize(p.x_type);
  }
  return contiguous && p.spatial[w.lane_axis].x_stride != itemsize(p.x_type);
}

void predict(const Problem& p, WinogradPlan& w) {
  const DirectCost cost = cost_model().direct(w.compute, false);
  const auto points = static_cast<double>(w.points);
  // What a point takes beside a multiply-add of the products: transforms load and store each, and those of one axis
  // have fewer points to share what a row takes. Taps that all jobs share are written beyond the second cache.
  const bool single = w.row_axis < 0;
  constexpr double product = 1.05, lonely_product = 1.45, tap = 11, far_tap = 33, far = 1 << 20, farther = 8 << 20;
  constexpr double gathered_tap = 150, sample_across = 200;
  const double sample = (single ? 26 : 18) + (reads_across(p, w) ? sample_across : 0), sum = single ? 16 : 10;
  const index_t tiles = checked_mul(checked_mul(w.images, w.tile_rows), w.tile_columns);
  const auto groups = static_cast<double>(w.groups), products = static_cast<double>(w.products);
  const auto outs = static_cast<double>(w.turned ? ceil_div(w.outs, w.outs_at_once) * w.outs_at_once : w.outs);
  const auto columns = static_cast<double>(w.registers * w.lanes);
  const double of_products = products * outs * (w.turned ? static_cast<double>(tiles) : columns);
  const double unit = points * groups * cost.product;
  const double samples = unit * columns * products * sample;
  const auto tap_bytes = static_cast<double>(w.shares_taps ? w.group_taps * itemsize(w.compute) : 0);
  double taps = unit * products * outs * (tap_bytes > far ? far_tap * std::clamp(tap_bytes / farther, 1.0, 3.0) : tap);
  if (!w.taps_in_place) taps += groups * cost.product * products * outs * w.rows.taps * w.lane.taps * gathered_tap;
  w.seconds = unit * (of_products * (w.panel_registers > 1 ? product : lonely_product) + columns * outs * sum) +
              samples + taps + 3e-6;
  constexpr double of_groups = 1.35;  // measured over predicted: each has steps of its own, and few channels
  if (w.groups > 1) w.seconds *= of_groups;
  w.tap_seconds = w.shares_taps ? taps : 0;
  w.sample_seconds = w.shares_samples ? samples : 0;
}

void make_with(const Problem& p, WinogradTile tile, WinogradPlan& w) {
  const WinogradFunctions& functions = winograd_functions(w.compute, tile);
  w.tile = tile;
  w.rows = functions.row;
  w.lane = functions.lane;
  w.points = w.rows.points() * w.lane.points();
  w.lanes = kernels().taps->register_bytes / itemsize(w.compute);
  w.tile_rows = ceil_div(row_axis_of(p, w).out, index_t(w.rows.outputs));
  w.tile_columns = ceil_div(p.spatial[w.lane_axis].out, index_t(w.lane.outputs));
  w.registers = ceil_div(checked_mul(checked_mul(w.images, w.tile_rows), w.tile_columns), w.lanes);
  cut_taps(p, w);
  cut_jobs(w);
  measure_scratch(w);
  predict(p, w);
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
  for (int a = 0; a < p.spatial_count; ++a) {
    if (p.spatial[a].in_dilation != 1) return "dilated inputs";
  }
  WinogradPlan w;
  assign_axes(p, w);
  if (w.lane_axis < 0) return "no axis of 3 taps or more that are neither strided nor dilated";
  double sections = 1;
  for (int a = 0; a < p.spatial_count; ++a) {
    const bool tiled = a == w.lane_axis || a == w.row_axis;
    sections *= static_cast<double>(tiled ? ceil_div(p.spatial[a].kernel, fewest_taps) : p.spatial[a].kernel);
  }
  return sections > most_sections ? "a kernel of too many taps" : nullptr;
}

const WinogradFunctions& winograd_functions(Compute compute, WinogradTile tile) {
  const WinogradTable& table = *kernels().winograd;
  return (compute == Compute::f32 ? table.f32 : table.f64).of[static_cast<int>(tile)];
}

const SpatialAxis& row_axis_of(const Problem& p, const WinogradPlan& w) {
  static constexpr SpatialAxis alone = plain_axis(1, 1, 1);
  return w.row_axis < 0 ? alone : p.spatial[w.row_axis];
}

void make_winograd_plan(const Problem& p, WinogradPlan& w, int outputs) {
  floating_compute(p.sum_type, w.compute);
  assign_axes(p, w);
  look_at_layout(p, w);
  const WinogradPlan untiled = w;
  bool made = false;
  const auto consider = [&](WinogradTile tile) {
    WinogradPlan candidate = untiled;
    make_with(p, tile, candidate);
    if (made && candidate.seconds > w.seconds) return;
    w = candidate;
    made = true;
  };
  if (w.row_axis < 0) return consider(WinogradTile::four_in_a_row);
  if (outputs != 2) consider(WinogradTile::four_by_four);
  if (outputs == 4) return;
  const bool of_three = std::max(p.spatial[w.row_axis].kernel, p.spatial[w.lane_axis].kernel) == 3;
  consider(of_three ? WinogradTile::two_by_two : WinogradTile::two_by_two_of_five);
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
