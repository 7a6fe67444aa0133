#include "plan/fft_plan.h"

#include <algorithm>
#include <bit>

#include "base/buffer.h"
#include "base/checked.h"
#include "base/dtype.h"
#include "dispatch/registry.h"
#include "plan/cost.h"
#include "plan/fft_shape.h"

namespace convcorr {
namespace {

constexpr double fewest_fft_taps = 8;

DType plain_type(Compute c) {
  return c == Compute::f32 ? DType::f32 : c == Compute::f64 ? DType::f64 : c == Compute::c64 ? DType::c64 : DType::c128;
}

// An axis with one tap that neither moves nor reaches outside x is as good as a batch.
bool is_batch_like(const SpatialAxis& a) { return a.kernel == 1 && a.offset == 0 && (a.out - 1) * a.stride < a.in; }

// Takes the free lanes out of the axes without taps: a contiguous one that fills a register.
bool choose_strip(const Problem& p, FftPlan& f) {
  const index_t item = itemsize(p.x_type);
  for (int b = 0; b < f.batch_axes; ++b) {
    const OuterAxis a = f.batch[b];
    if (a.x_stride != item || a.size < f.lanes) continue;
    f.strip = plain_axis(a.size, 1, a.size);
    f.strip.x_stride = a.x_stride;
    f.strip.y_stride = a.y_stride;
    std::copy(f.batch + b + 1, f.batch + f.batch_axes, f.batch + b);
    --f.batch_axes;
    return true;
  }
  return false;
}

void assign_axes(const Problem& p, FftPlan& f) {
  f.axes = f.group_axes = f.filter_axes = f.batch_axes = 0;
  f.groups = f.filters = f.batches = 1;
  int contiguous = -1;
  for (int a = 0; a < p.spatial_count; ++a) {
    const SpatialAxis& s = p.spatial[a];
    if (s.kernel > 1) {
      if (s.x_stride == itemsize(p.x_type)) contiguous = f.axes;
      f.order[f.axes] = f.axes;
      f.axis[f.axes++].axis = s;
    } else {
      f.batch[f.batch_axes++] = {Role::batch, s.out, s.x_stride * s.stride, 0, s.y_stride};
    }
  }
  for (int a = 0; a < p.outer_count; ++a) {
    const OuterAxis& o = p.outer[a];
    if (o.role == Role::group) f.group[f.group_axes++] = o;
    if (o.role == Role::batch) f.batch[f.batch_axes++] = o;
    if (o.role == Role::out_channel) f.filter[f.filter_axes++] = o;
  }
  f.lanes_free = contiguous < 0 && f.axes <= max_fft_columns && choose_strip(p, f);
  if (contiguous >= 0) {
    std::swap(f.axis[contiguous], f.axis[f.axes - 1]);
    std::swap(f.order[contiguous], f.order[f.axes - 1]);
  }
  for (int a = 0; a < f.group_axes; ++a) f.groups = checked_mul(f.groups, f.group[a].size);
  for (int a = 0; a < f.filter_axes; ++a) f.filters = checked_mul(f.filters, f.filter[a].size);
  for (int a = 0; a < f.batch_axes; ++a) f.batches = checked_mul(f.batches, f.batch[a].size);
}

// What reads no sample at both ends of an axis: see `spare`. All outputs and all taps must find room still.
index_t spare_positions(const Problem& p, const FftAxisPlan& x) {
  const SpatialAxis& a = x.axis;
  if (a.border != Border::constant || !fill_is_zero(p)) return 0;
  const index_t lead = -a.offset, tail = x.dense + x.span - (a.in - a.offset);
  return std::max<index_t>(std::min({lead, tail, x.span, x.dense - 1}), 0);
}

void measure_axes(const Problem& p, FftPlan& f) {
  f.taps = 1;
  for (int a = 0; a < f.axes; ++a) {
    FftAxisPlan& x = f.axis[a];
    x.span = checked_mul(x.axis.kernel - 1, x.axis.dilation);
    x.dense = checked_add(checked_mul(x.axis.out - 1, x.axis.stride), 1);
    checked_mul(4, checked_add(x.dense, x.span));
    x.spare = spare_positions(p, x);
    f.taps = checked_mul(f.taps, x.axis.kernel);
  }
}

void build_tile(FftPlan& f) {
  const bool f64 = f.f64(), real = !is_complex(f.compute);
  FftTile& t = f.tile;
  t = {};
  t.folded = real;
  t.lanes_free = f.lanes_free;
  t.columns = f.lanes_free ? f.axes : f.axes - 1;
  for (int a = 0; a < f.axes; ++a) {
    const bool lane = a == t.columns, folded = real && a == 0;
    f.tables[a] = fft_axis({f64, lane ? f.lanes : 1, folded, folded ? f.axis[a].block / 2 : f.axis[a].block});
    (lane ? t.lane : t.column[a]) = f.tables[a]->axis;
  }
  t.vectors = f.lanes_free ? f.strip_samples / f.lanes : t.lane.points / f.lanes;
  t.pitch = t.columns > 0 ? t.vectors + 1 : t.vectors;  // rows a power of two apart would meet in few cache sets
  index_t complex_rows = 1;
  f.rows = 1;
  for (int a = 0; a < t.columns; ++a) {
    complex_rows *= t.column[a].points;
    f.rows *= f.axis[a].block;
  }
  f.row_samples = f.lanes_free ? f.strip_samples : f.axis[f.axes - 1].block;
  f.tile_bytes = complex_rows * t.pitch * 2 * f.lanes * (f64 ? 8 : 4);
  f.spectrum_bytes = f.lanes_free ? complex_rows * 2 * (f64 ? 8 : 4) : f.tile_bytes;
}

// A tile so large that it is all of its slice, and should not wait on one thread: its outermost passes are cut into
// strips, and what lies between them into blocks.
void cut_shared(FftPlan& f) {
  constexpr index_t strip_bytes = 256 << 10, least_parted_bytes = 16 << 20;
  const FftTile& t = f.tile;
  const bool alone = !f.lanes_free && f.tiles * f.filters == 1;
  f.shared = alone && (f.wraps || f.tile_bytes >= least_shared_bytes);
  if (!f.shared) return;
  const index_t element_bytes = 2 * f.lanes * (itemsize(f.compute) / scalars(f.compute));
  index_t beside = 0;  // registers that strips share out
  if (t.columns > 0) {
    f.shared_levels = t.column[0].levels;
    f.shared_blocks = t.column[0].points;
    beside = t.vectors;
  } else {
    const index_t vectors = t.lane.points / f.lanes;
    f.shared_levels = t.lane.levels > 2 && f.tile_bytes > (1 << 20) ? 2 : 1;
    f.shared_blocks = 1;
    for (int l = 0; l < f.shared_levels; ++l) f.shared_blocks *= t.lane.radix[l];
    if (vectors / f.shared_blocks < f.lanes) f.shared = false;  // blocks must hold a base case
    beside = vectors / f.shared_blocks;
  }
  const index_t least_wide = t.columns > 0 ? 4 : 1;  // of rows that lie apart, single cache lines cost too much
  const index_t wide = std::max(strip_bytes / (f.shared_blocks * element_bytes), least_wide);
  f.shared_strip = std::min(std::max<index_t>(beside / 16, 1), wide);
  f.shared_strips = ceil_div(beside, f.shared_strip);
  // Each part makes all butterflies of the first pass again, and keeps some of their results: for large tiles, where
  // memory is what they wait for.
  const index_t first_radix = (t.columns > 0 ? t.column[0] : t.lane).radix[0];
  f.shared_parts = f.tile_bytes < least_parted_bytes ? 1 : first_radix == 8 ? 4 : first_radix;
  f.shared_blocks_per_job = std::max<index_t>(f.shared_blocks / (32 * f.shared_parts), 1);
}

void cut_jobs(FftPlan& f, double tile_seconds) {
  constexpr double wanted = 30e-6;
  const double tiles = std::clamp(wanted / std::max(tile_seconds, 1e-9), 1.0, 1e9);
  f.tiles_per_job = std::clamp<index_t>(static_cast<index_t>(tiles), 1, f.tiles);
  f.jobs_per_slice = ceil_div(f.tiles, f.tiles_per_job);
}

// A lane axis takes at least a register's lanes squared: where all its samples are fewer, half the width wastes less.
bool prefers_narrow(const FftPlan& f) {
  if (f.lanes_free || !kernels().narrow_fft) return false;
  const FftAxisPlan& lane = f.axis[f.axes - 1];
  const index_t least = least_lane_points(f.lanes) * (f.axes == 1 ? is_complex(f.compute) ? 2 : 4 : 1);
  return lane.dense + lane.span <= least;
}

}  // namespace

FftBlocks& forced_fft_blocks() {
  static thread_local FftBlocks blocks;
  return blocks;
}

const char* refuse_fft(const Problem& p) {
  Compute c;
  if (!floating_compute(p.sum_type, c))
    return is_integer(p.sum_type) ? "a rounding transform of integers" : "long double";
  const auto& convert = *kernels().convert;
  const int compute = static_cast<int>(c);
  if (!convert.load[static_cast<int>(p.x_type)][compute] || !convert.load[static_cast<int>(p.h_type)][compute] ||
      !convert.store[compute][static_cast<int>(p.y_type)] || p.narrowing != Narrowing::wrap) {
    return "no kernel converts between these types";
  }
  if (p.summation != Summation::fast || p.divisor != 1) return "sums in a fixed order, or means";
  int axes = 0;
  if (tap_count(p) < fewest_fft_taps) return "so few taps: what is promised them leaves a transform no room";
  for (int a = 0; a < p.spatial_count; ++a) {
    if (p.spatial[a].in_dilation != 1) return "dilated inputs";
    if (p.spatial[a].kernel > 1) ++axes;
    if (p.spatial[a].kernel == 1 && !is_batch_like(p.spatial[a])) return "an axis with one tap that is moved";
  }
  if (axes == 0) return "a kernel of one tap";
  if (axes > max_fft_axes) return "more than 4 axes with taps";
  for (int a = 0; a < p.outer_count; ++a) {
    if (p.outer[a].role == Role::in_channel) return "sums over channels";
  }
  return nullptr;
}

const FftFunctions& FftPlan::functions() const {
  const FftTable& table = narrow ? *kernels().narrow_fft : *kernels().fft;
  return f64() ? table.f64 : table.f32;
}

bool make_fft_plan(const Problem& p, const FftBlocks& forced, FftPlan& f, std::vector<Candidate>* record) {
  floating_compute(p.sum_type, f.compute);
  f.narrow = false;
  f.lanes = kernels().taps->register_bytes / (itemsize(f.compute) / scalars(f.compute));
  assign_axes(p, f);
  measure_axes(p, f);
  if (prefers_narrow(f)) {
    f.narrow = true;
    f.lanes /= 2;
  }
  if (!choose_blocks(f, forced, record)) return false;
  f.tiles = f.strips;
  for (int a = 0; a < f.axes; ++a) f.tiles = checked_mul(f.tiles, f.axis[a].tiles);
  build_tile(f);
  const SpatialAxis& lane = f.lanes_free ? f.strip : f.axis[f.axes - 1].axis;
  const bool x_plain = p.x_type == plain_type(f.compute) && !p.x_swapped;
  f.in_place = x_plain && lane.x_stride == itemsize(p.x_type);
  f.out_in_place =
      p.y_type == plain_type(f.compute) && lane.stride == 1 && (lane.y_stride == itemsize(p.y_type) || lane.out == 1);
  f.zips = f.filter_axes > 0 && f.filter[f.filter_axes - 1].size == 2 && p.y_type == plain_type(f.compute) &&
           f.filter[f.filter_axes - 1].y_stride == itemsize(p.y_type) && lane.stride == 1 && lane.out > 1 &&
           lane.y_stride == 2 * itemsize(p.y_type);
  f.energy_ratio = energy_ratio(f);
  const double tile_seconds = fft_tile_seconds(f);
  f.seconds = fft_seconds(f);
  cut_shared(f);
  cut_jobs(f, tile_seconds);
  return true;
}

}  // namespace convcorr
