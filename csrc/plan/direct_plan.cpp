#include "plan/direct_plan.h"

#include <algorithm>
#include <numeric>

#include "base/buffer.h"
#include "base/checked.h"
#include "dispatch/registry.h"
#include "plan/cost.h"
#include "problem/part.h"

namespace convcorr {
namespace {

// The compute type that sums of p are taken in; bool counts its true products, in a type wide enough for all of them.
bool compute_of(const Problem& p, Compute& c) {
  switch (p.sum_type) {
    case DType::boolean: {
      const double taps = tap_count(p);
      c = taps < 65536 ? Compute::u16 : taps < 4294967296.0 ? Compute::u32 : Compute::u64;
      return taps < 18446744073709551616.0;
    }
    case DType::i8:
    case DType::u8:
    case DType::i16:
    case DType::u16:
      c = Compute::u16;
      return true;
    case DType::i32:
    case DType::u32:
      c = Compute::u32;
      return true;
    case DType::i64:
    case DType::u64:
      c = Compute::u64;
      return true;
    default:
      return floating_compute(p.sum_type, c);
  }
}

Compute pair_of(Compute c) { return c == Compute::c64 ? Compute::pair64 : Compute::pair128; }

// Whether rows of x and of y are rows of the compute type already, were they contiguous.
bool same_layout(DType t, Compute c) {
  constexpr Compute none = static_cast<Compute>(compute_count);
  constexpr Compute as[dtype_count] = {
      none,         none, none,         Compute::u16, Compute::u16, Compute::u32, Compute::u32,  Compute::u64,
      Compute::u64, none, Compute::f32, Compute::f64, none,         Compute::c64, Compute::c128, none};
  return as[static_cast<int>(t)] == complex_of(c);
}

SpatialAxis without_taps(const OuterAxis& batch) {
  SpatialAxis axis = plain_axis(batch.size, 1, batch.size);
  axis.x_stride = batch.x_stride;
  axis.y_stride = batch.y_stride;
  return axis;
}

// The lane, and the axes of the Problem that it is made of; -1: none.
struct Lane {
  SpatialAxis axis;
  int spatial, batch;
  index_t group = 1;
};

// A batch axis inside a spatial one, channels of a pixel say, makes one lane of both: a tap's neighbours stand `size`
// apart, as if dilated.
bool can_interleave(const Problem& p, const SpatialAxis& s, const OuterAxis& b) {
  return s.x_stride == b.size * b.x_stride && s.y_stride == b.size * b.y_stride && s.stride == 1 &&
         b.y_stride == itemsize(p.y_type);
}

SpatialAxis interleave(SpatialAxis s, const OuterAxis& b) {
  s.in = checked_mul(s.in, b.size);
  s.out = checked_mul(s.out, b.size);
  s.dilation = checked_mul(s.dilation, b.size);
  s.offset = checked_mul(s.offset, b.size);
  s.x_stride = b.x_stride;
  s.y_stride = b.y_stride;
  return s;
}

// The spatial axis that is contiguous in x; else a contiguous batch axis, joined with its spatial neighbour where it is
// short; else the last spatial axis with more than one output.
Lane choose_lane(const Problem& p, index_t register_elements) {
  const index_t item = itemsize(p.x_type);
  int last = -1;
  for (int a = p.spatial_count - 1; a >= 0; --a) {
    if (p.spatial[a].out > 1 && p.spatial[a].x_stride == item) return {p.spatial[a], a, -1};
    if (last < 0 && p.spatial[a].out > 1) last = a;
  }
  for (int b = 0; b < p.outer_count; ++b) {
    const OuterAxis& batch = p.outer[b];
    if (batch.role != Role::batch || batch.x_stride != item || batch.size < 2) continue;
    for (int a = 0; a < p.spatial_count && batch.size < 4 * register_elements; ++a) {
      if (can_interleave(p, p.spatial[a], batch)) return {interleave(p.spatial[a], batch), a, b, batch.size};
    }
    if (batch.size >= register_elements / 2) return {without_taps(batch), -1, b};
  }
  if (last < 0 && p.spatial_count > 0) last = p.spatial_count - 1;
  return {last < 0 ? plain_axis(1, 1, 1) : p.spatial[last], last, -1};
}

// Puts every axis in its part. The row axis is the innermost one left with taps.
void assign_axes(const Problem& p, DirectPlan& d) {
  const Lane lane = choose_lane(p, d.register_elements);
  d.lane = lane.axis;
  d.group = lane.group;
  int row = -1;
  for (int a = 0; a < p.spatial_count; ++a) {
    if (a != lane.spatial && p.spatial[a].kernel > 1) row = a;
  }
  d.row = row >= 0 ? p.spatial[row] : plain_axis(1, 1, 1);
  d.lane_from = lane.spatial;
  d.row_from = row;
  for (int a = 0; a < p.spatial_count; ++a) {
    if (a == lane.spatial || a == row) continue;
    d.plane_from[d.plane_axes] = a;
    d.plane[d.plane_axes++] = p.spatial[a];
  }
  for (int a = 0; a < p.outer_count; ++a) {
    if (a == lane.batch) continue;
    if (p.outer[a].role == Role::in_channel) {
      d.channel[d.channel_axes++] = p.outer[a];
    } else {
      d.slice[d.slice_axes++] = p.outer[a];
    }
  }
}

void count_parts(DirectPlan& d) {
  for (int a = 0; a < d.channel_axes; ++a) d.planes = checked_mul(d.planes, d.channel[a].size);
  for (int a = 0; a < d.plane_axes; ++a) {
    d.planes = checked_mul(d.planes, d.plane[a].kernel);
    d.slices = checked_mul(d.slices, d.plane[a].out);
  }
  for (int a = 0; a < d.slice_axes; ++a) {
    d.slices = checked_mul(d.slices, d.slice[a].size);
    if (d.slice[a].h_stride != 0 && d.slice[a].size > 1) d.taps_per_slice = true;
  }
  d.taps = checked_mul(checked_mul(d.planes, d.row.kernel), d.lane.kernel);
  d.lane_span = checked_mul(d.lane.kernel - 1, d.lane.dilation);
}

// The width of a strip: its lines should stay in L2 while a block of rows passes over them, and be long against what
// neighbouring strips share.
void cut_strips(DirectPlan& d, double outputs_per_job) {
  constexpr double cache = 192 << 10;
  const index_t unit = d.taps < (1 << 20) ? 16 * d.register_elements : d.register_elements;  // keeps a job short
  const auto lines = static_cast<double>(d.planes) * static_cast<double>(d.row.kernel + d.block_rows);
  const double fits = cache / (lines * static_cast<double>(itemsize(d.compute)));
  const double rows = d.row.out == 1 ? 1 : static_cast<double>(d.block_rows);
  double width = std::min(d.one_row ? outputs_per_job : std::max(fits, 512.0),
                          std::max(outputs_per_job / rows, static_cast<double>(unit)));
  const index_t span = d.lane_span + d.overlap, outputs = d.lane.out - d.overlap;
  if (!d.in_place) width = std::max(width, std::min(4.0 * static_cast<double>(span), 65536.0));
  d.strip = std::min(outputs, std::max(unit, static_cast<index_t>(std::min(width, 1e15)) / unit * unit));
  if (d.strip + unit > outputs) d.strip = outputs;  // no sliver at the end
  d.strips = ceil_div(outputs, d.strip);
}

// Line strides that are a multiple of 4 KB would put every line of a column into the same few cache sets.
index_t away_from_aliasing(index_t elements, index_t size) {
  const index_t step = Scratch::line / size;
  const index_t rounded = ceil_div(elements, step) * step;
  const index_t position = rounded * size % 4096;
  return position < 64 || position > 4096 - 64 ? rounded + 2 * step : rounded;
}

// Elements of a line that a strip's outputs need; kernels read whole registers.
index_t width_of_strip(const DirectPlan& d) { return std::max(checked_add(d.strip, d.overlap), d.register_elements); }

// Lines of a strip: see Lines. Far taps leave most of what lies between them unread; then each gets a phase of its own.
void shape_lines(DirectPlan& d) {
  const index_t wide = width_of_strip(d);
  const index_t between = d.lane_span / d.lane.stride;
  d.phase_per_tap = between / d.lane.kernel > wide;
  d.phases = d.phase_per_tap ? d.lane.kernel
                             : std::min(d.lane.stride / std::gcd(d.lane.stride, d.lane.dilation), d.lane.kernel);
  d.phase_elements = d.phase_per_tap ? wide : checked_add(wide, between + 1);
  const index_t size = itemsize(d.compute);
  checked_mul(checked_mul(d.phase_elements, d.phases), 2 * size);
  d.line_elements = away_from_aliasing(d.phase_elements * d.phases, size);
}

// Rows and slices of a job. Where slices share planes, a job keeps all its rows' lines in L2 and takes many slices.
void cut_rows(DirectPlan& d, double outputs_per_job) {
  const auto wanted = static_cast<index_t>(std::clamp(outputs_per_job / static_cast<double>(d.strip), 1.0, 1e15));
  const index_t few = d.overlap > 0 ? 1 : 4;  // where lines are filtered along too, making them twice costs little
  index_t least_rows = d.in_place ? d.block_rows : std::max<index_t>(d.block_rows, checked_mul(few, d.row.kernel));
  index_t rows = wanted / d.block_rows * d.block_rows;
  index_t slices = 1;
  if (d.shares_planes) {
    constexpr index_t cache = 256 << 10;
    const index_t lines = cache / (d.line_elements * itemsize(d.compute)) / d.planes;
    rows = std::max<index_t>(lines - d.row.kernel, 1) / d.block_rows * d.block_rows;
    slices = checked_mul(4, d.plane[d.plane_axes - 1].kernel);
  }
  d.rows_per_job = std::min(d.row.out, std::max(least_rows, rows));
  d.row_jobs = ceil_div(d.row.out, d.rows_per_job);
  if (d.shares_planes || (d.strips == 1 && d.row_jobs == 1)) slices = std::max(slices, wanted / d.rows_per_job);
  d.slices_per_job = std::clamp<index_t>(slices, 1, d.slices);
  d.slice_jobs = ceil_div(d.slices, d.slices_per_job);
}

// Few slices that share planes would be one job. Cutting them costs lines that both sides make: of slices down to a
// kernel's length, then of rows down to two.
void cut_for_threads(DirectPlan& d, double total_seconds) {
  constexpr double least = 40e-6, most_jobs = 8;
  const auto enough = static_cast<index_t>(std::clamp(total_seconds / least, 1.0, most_jobs));
  index_t missing = ceil_div(enough, d.row_jobs * d.strips);
  if (d.slice_jobs < missing) {
    const index_t slices = std::max(ceil_div(d.slices, missing), d.plane[d.plane_axes - 1].kernel);
    d.slices_per_job = std::min(d.slices_per_job, slices);
    d.slice_jobs = ceil_div(d.slices, d.slices_per_job);
  }
  missing = ceil_div(enough, d.slice_jobs * d.strips);
  if (d.row_jobs < missing) {
    const index_t rows = std::max(ceil_div(d.row.out, missing), 2 * d.row.kernel);
    d.rows_per_job = std::min(d.rows_per_job, ceil_div(rows, d.block_rows) * d.block_rows);
    d.row_jobs = ceil_div(d.row.out, d.rows_per_job);
  }
}

// Cuts the outputs into jobs: about 64, each long against its overhead and short against a time slice.
void cut_jobs(DirectPlan& d, double output_seconds, double total_seconds) {
  constexpr double least = 40e-6, most = 5e-3;
  const double outputs_per_job = std::clamp(total_seconds / 64, least, most) / output_seconds;
  cut_strips(d, outputs_per_job);
  shape_lines(d);
  cut_rows(d, outputs_per_job);
  if (d.shares_planes) cut_for_threads(d, total_seconds);
  d.jobs = checked_mul(checked_mul(d.slice_jobs, d.row_jobs), d.strips);
}

// Runs of the border's rule that a line may cross: one in the middle and one at each end, but periodic rules repeat.
index_t most_pieces(const DirectPlan& d) {
  if (d.lane.border == Border::constant) return 3 * d.phases;
  if (d.group > 1) return checked_add(d.phase_elements, 3);  // groups keep their order where the border turns round
  const index_t shortest = std::max<index_t>(d.lane.in - 1, 1);
  if (d.lane.stride >= shortest) return checked_mul(d.phases, d.phase_elements);
  return checked_mul(d.phases, checked_mul(d.phase_elements, d.lane.stride) / shortest + 3);
}

void size_buffers(DirectPlan& d) {
  const index_t size = itemsize(d.compute);
  const index_t wide = width_of_strip(d);
  d.block_lines = d.row.kernel + d.block_rows - 1;
  d.ring_lines = d.shares_planes ? d.row.kernel + d.rows_per_job - 1 : d.block_lines;
  d.table_lines = std::max(d.ring_lines, d.block_lines);
  d.most_pieces = most_pieces(d);

  constexpr index_t word = sizeof(void*);
  index_t bytes = 0;
  const auto take = [&bytes](index_t count, index_t each) {
    bytes = checked_add(bytes, checked_mul(count, each) + 64);
  };
  const index_t ring = checked_mul(d.planes, d.ring_lines);
  take(checked_mul(ring, d.line_elements), size);
  take(ring, word);                                          // what the ring's lines were made of
  take(d.line_elements, size);                               // the fill line
  take(checked_mul(d.planes, d.table_lines), word);          // line pointers
  take(checked_add(d.planes, d.table_lines), 4 * word + 4);  // planes, rows, and where they are kept
  take(d.most_pieces, sizeof(LinePiece));
  take(d.lane.kernel, word);
  take(d.block_rows, checked_mul(wide, size) + 64);  // rows of sums
  if (d.ordered || d.settled) take(d.taps, word);    // a pointer for each tap
  d.taps_bytes = Scratch::padded(checked_mul(d.taps, size));
  if (d.taps_per_slice) take(d.taps_bytes, 1);
  d.job_bytes = checked_add(bytes, 16 * Scratch::line);
}

bool is_unrolled_square(const DirectPlan& d) {
  const bool dense = d.lane.stride == 1 && d.lane.dilation == 1;
  const bool square = d.row.kernel == d.lane.kernel && (d.row.kernel == 3 || d.row.kernel == 5 || d.row.kernel == 7);
  return dense && square && kernels().rows->unrolls_squares[static_cast<int>(d.compute)];
}

int rows_per_block(const DirectPlan& d) {
  if (d.row.stride > 1 || d.one_row) return 1;
  if (d.ordered) return static_cast<int>(std::min<index_t>(4, d.row.out));
  const index_t most = is_unrolled_square(d) ? d.row.out : std::min(d.row.out, d.row.kernel + 1);
  return static_cast<int>(std::min<index_t>(kernels().rows->most_rows[static_cast<int>(d.compute)], most));
}

// Whether kernels store p's sums by its rule.
bool narrows(const Problem& p) {
  const bool truncates = !is_integer(p.sum_type) && is_integer(p.y_type);
  return p.narrowing == Narrowing::wrap ? !truncates : p.narrowing == Narrowing::truncate;
}

}  // namespace

// A 64-byte load straddles two cache lines wherever it isn't aligned, and costs twice. With few taps a register the 1-D
// kernel rests on its loads, and half the width is up to a quarter faster. Measured on f32 and f64; complex taps do
// more with each load.
bool prefers_narrow(Compute c, index_t taps) {
  const bool real = c == Compute::f32 || c == Compute::f64 || is_pair(c);
  const index_t lanes = kernels().taps->register_bytes / itemsize(c);
  return real && kernels().narrow_taps && taps > lanes / 2 && taps < 2 * lanes;
}

double doubt_of(DType sums, index_t taps, double bound) {
  const double unit = sums == DType::f32 ? 0x1p-24 : 0x1p-53;
  return static_cast<double>(taps + 4) * unit * bound;
}

const char* refuse_direct(const Problem& p) {
  Compute c;
  if (!compute_of(p, c)) return "long double is computed by the reference";
  for (int a = 0; a < p.spatial_count; ++a) {
    if (p.spatial[a].in_dilation != 1) return "dilated inputs are computed by the reference";
  }
  const auto& convert = *kernels().convert;
  if (!convert.load[static_cast<int>(p.x_type)][static_cast<int>(c)] ||
      !convert.load[static_cast<int>(p.h_type)][static_cast<int>(c)] ||
      !convert.store[static_cast<int>(c)][static_cast<int>(p.y_type)] || !narrows(p)) {
    return "no kernel converts between these types";
  }
  for (int a = 0; a < p.outer_count && p.summation != Summation::fast; ++a) {
    if (p.outer[a].role != Role::batch && p.outer[a].size > 1)
      return "sums in a fixed order of several kernels or channels";
  }
  return nullptr;
}

void make_direct_plan(const Problem& p, DirectPlan& d, Products products, index_t overlap) {
  compute_of(p, d.compute);
  d.overlap = overlap;
  if (products == Products::fewest && has_real_factor(p)) d.compute = pair_of(d.compute);
  const index_t size = itemsize(d.compute);
  d.register_elements = kernels().taps->register_bytes / size;
  assign_axes(p, d);
  count_parts(d);
  d.settled = p.summation != Summation::fast && p.bound > 0;
  d.ordered = p.summation != Summation::fast && !d.settled;
  d.doubt = doubt_of(p.sum_type, d.taps, p.bound);
  d.one_row = !d.ordered && d.planes == 1 && d.row.kernel == 1 && d.lane.stride == 1 && d.lane.dilation == 1;
  const index_t short_line = d.one_row ? 8192 : 2048;  // bytes: copying less costs less than treating its ends apart
  d.in_place = same_layout(p.x_type, d.compute) && !p.x_swapped && d.lane.x_stride == size && d.lane.stride == 1 &&
               d.lane.out * size >= short_line && overlap == 0;
  d.out_in_place = same_layout(p.y_type, d.compute) && (d.lane.y_stride == size || d.lane.out == 1) && p.divisor == 1;
  d.narrow = d.one_row && prefers_narrow(d.compute, d.taps);
  d.block_rows = rows_per_block(d);

  const bool steps_by_one = d.row.stride == 1 && d.row.dilation == 1;
  d.shares_planes = !d.in_place && steps_by_one && d.plane_axes > 0 && d.plane[d.plane_axes - 1].kernel > 1;

  const CostModel& cost = cost_model();
  const auto taps = static_cast<double>(d.taps);
  const DirectCost unit = cost.direct(d.compute, d.one_row);
  double output_seconds = taps * unit.product + 2 * static_cast<double>(size) * unit.byte;
  const bool plain = same_layout(p.x_type, d.compute) && !p.x_swapped && d.lane.x_stride == size;
  if (!plain) output_seconds += static_cast<double>(d.planes * size) * cost.line_byte;
  const double outputs = output_count(p);
  output_seconds += unit.row * static_cast<double>(d.planes * d.row.kernel) / static_cast<double>(d.lane.out);
  d.seconds = outputs * output_seconds;
  cut_jobs(d, output_seconds, d.seconds);
  d.seconds += unit.call;
  size_buffers(d);
}

}  // namespace convcorr
