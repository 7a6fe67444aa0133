#include "plan/fft_shape.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "base/checked.h"
#include "plan/cost.h"

namespace convcorr {
namespace {

constexpr index_t largest_block = index_t(1) << 40;

constexpr index_t least_wrapped_bytes = 32 << 10;

index_t ceil_power(index_t n) { return static_cast<index_t>(std::bit_ceil(static_cast<std::size_t>(n))); }

// The shortest block that the kernels transform on an axis.
index_t least_block(const FftPlan& f, int axis) {
  const bool lane = !f.lanes_free && axis == f.axes - 1, folded = !is_complex(f.compute) && axis == 0;
  if (!lane) return folded ? 4 : 2;
  const index_t least = least_lane_points(f.lanes);
  if (axis > 0) return least;
  return folded ? 4 * least : 2 * least;  // a pass before the base case reads the data
}

bool is_power(index_t n) { return ceil_power(n) == n; }

// The shortest block of at least n samples: a power of two, or on the outermost axis 3 or 5 times one.
index_t next_block(const FftPlan& f, int a, index_t n) {
  const index_t least = least_block(f, a);
  index_t block = std::max(least, ceil_power(n));
  for (index_t odd = 3; odd <= 5 && a == 0; odd += 2) {
    block = std::min(block, odd * std::max(least, ceil_power(ceil_div(n, odd))));
  }
  return block;
}

bool is_block(const FftPlan& f, int a, index_t n) { return n >= least_block(f, a) && next_block(f, a, n) == n; }

index_t largest_useful(const FftPlan& f, int a) {
  return std::max(least_block(f, a), ceil_power(f.axis[a].dense + f.axis[a].span));
}

void set_block(FftAxisPlan& x, index_t block, index_t align) {
  x.block = block;
  const index_t room = block - x.span;
  x.tiles = ceil_div(x.dense, room);
  index_t outputs = ceil_div(x.dense, x.tiles);  // even shares
  if (ceil_div(outputs, align) * align <= room) outputs = ceil_div(outputs, align) * align;
  if (x.axis.stride > 1) {
    const index_t whole = ceil_div(outputs, x.axis.stride) * x.axis.stride;
    outputs = whole <= room ? whole : std::max(room / x.axis.stride * x.axis.stride, index_t(1));
  }
  x.outputs = std::min(outputs, x.dense);
  x.tiles = ceil_div(x.dense, x.outputs);
}

void set_whole_block(FftAxisPlan& x, index_t block) {
  x.block = block;
  x.tiles = 1;
  x.outputs = x.dense;
}

bool wraps(const FftAxisPlan& x) { return x.tiles == 1 && x.block < x.dense + x.span; }

struct Search {
  FftPlan& f;
  const FftBlocks& forced;
  std::vector<Candidate>* record;
  double best = std::numeric_limits<double>::infinity();
  index_t chosen[max_fft_axes] = {};
  bool whole = false;  // what was chosen is one tile, by whole_tile

  bool allowed(int a, index_t block) const {
    const FftAxisPlan& x = f.axis[a];
    if (block <= x.span) return false;
    return x.axis.stride == 1 || block - x.span >= std::min(x.axis.stride, x.dense);  // a tile starts at an output
  }

  // `copies` of its samples are what a tile takes.
  void weigh(int copies = 3) {
    f.tiles = f.strips;
    for (int a = 0; a < f.axes; ++a) f.tiles *= f.axis[a].tiles;
    const double seconds = fft_seconds(f);
    if (record) note(seconds, copies);
    if (seconds >= best) return;
    best = seconds;
    whole = false;
    for (int a = 0; a < f.axes; ++a) chosen[a] = f.axis[a].block;
  }

  // One tile for all outputs of a slice, in blocks that leave out what they may.
  void whole_tile() {
    if (f.lanes_free || f.filters != 1) return;
    double bytes = static_cast<double>(itemsize(f.compute));
    bool powers = true, any_wraps = false;
    for (int a = 0; a < f.axes; ++a) {
      FftAxisPlan& x = f.axis[a];
      const index_t positions = x.dense + x.span, needed = positions - (forced.may_wrap ? x.spare : 0);
      index_t block = next_block(f, a, needed);
      if (forced.axes > 0) {
        block = forced.of[f.order[a]];
        if (block < needed || !is_block(f, a, block)) return;
      }
      if (block > largest_block) return;
      set_whole_block(x, block);
      powers = powers && is_power(block);
      any_wraps = any_wraps || wraps(x);
      bytes *= static_cast<double>(block);
    }
    if (bytes < static_cast<double>(least_wrapped_bytes) || (powers && !any_wraps)) return;
    const double before = best;
    weigh(2);
    if (best < before) whole = true;
  }

  void note(double seconds, int copies) {
    Candidate c = {.algorithm = Algorithm::fft, .seconds = seconds, .axes = f.axes};
    double samples = f.lanes_free ? static_cast<double>(f.strip_samples) : 1;
    for (int a = 0; a < f.axes; ++a) {
      c.tile[f.order[a]] = f.axis[a].block;
      samples *= static_cast<double>(f.axis[a].block);
    }
    c.scratch_bytes = static_cast<index_t>(samples * copies) * itemsize(f.compute);
    record->push_back(c);
  }

  void axis(int a, double samples) {
    if (a == f.axes) return weigh();
    const index_t align = a == f.axes - 1 && !f.lanes_free ? f.lanes : 1;
    if (forced.axes > 0) {
      const index_t block = forced.of[f.order[a]];
      if (block < least_block(f, a) || !allowed(a, block) || block > largest_block) return;
      if (!is_block(f, a, block)) return;
      set_block(f.axis[a], block, align);
      return axis(a + 1, samples * static_cast<double>(block));
    }
    constexpr double most_samples = 1 << 21;  // of a tile that is one of many
    const index_t first = std::max(least_block(f, a), ceil_power(f.axis[a].span + 1));
    const index_t last = largest_useful(f, a);
    if (last > largest_block) return;
    for (index_t block = first; block <= last; block *= 2) {
      if (!allowed(a, block)) continue;
      if (block > first && samples * static_cast<double>(block) > most_samples && block < last) continue;
      set_block(f.axis[a], block, align);
      axis(a + 1, samples * static_cast<double>(block));
    }
  }
};

// Registers of free lanes that a strip takes: whole cache lines, few enough that the tile stays near.
void choose_strip(FftPlan& f) {
  f.strips = 1;
  f.strip_samples = 0;
  if (!f.lanes_free) return;
  const index_t registers = std::max<index_t>(4, 64 / (f.lanes * (f.f64() ? 8 : 4)));
  const index_t width = ceil_div(f.strip.in, f.lanes);
  f.strip_samples = std::min(registers, width) * f.lanes;
  f.strips = ceil_div(f.strip.in, f.strip_samples);
}

const FftCost& cost_of(const FftPlan& f) { return cost_model().isa.fft[float_index(f.compute)]; }

// Real operations of a transform there and back, by the usual 5 N log2 N for complex numbers.
struct Work {
  double flops, bytes, rows;
};

Work work_of(const FftPlan& f) {
  double samples = f.lanes_free ? static_cast<double>(f.strip_samples) : 1, points = 1, rows = 1;
  for (int a = 0; a < f.axes; ++a) {
    samples *= static_cast<double>(f.axis[a].block);
    points *= static_cast<double>(f.axis[a].block);
    if (a < f.axes - 1 || f.lanes_free) rows *= static_cast<double>(f.axis[a].block);
  }
  const double per_sample = is_complex(f.compute) ? 5 : 2.5;
  return {2 * per_sample * samples * std::log2(points), samples * static_cast<double>(itemsize(f.compute)), rows};
}

// Transforms slow down with the size of the tile: a rate while it is near, and one far from the processor, and between
// them by its logarithm.
double seconds_of(const FftPlan& f, const Work& w) {
  const FftCost& cost = cost_of(f);
  const double share = std::clamp(std::log(w.bytes / near_bytes) / std::log(far_bytes / near_bytes), 0.0, 1.0);
  const double narrow = f.narrow && !f.f64() ? 1.3 : 1;  // the constants are those of whole registers
  return narrow * w.flops * ((1 - share) * cost.near_flop + share * cost.far_flop) + w.bytes * cost.byte;
}

// Windows that are nearly empty at the ends of a `full` result are done again: of several axes they are whole strips.
double border_factor(const FftPlan& f) {
  double factor = 1;
  for (int a = 0; a < f.axes && f.axes > 1; ++a) {
    const FftAxisPlan& x = f.axis[a];
    const bool empties = x.axis.border == Border::constant && x.axis.offset <= -x.span * 9 / 10;
    if (empties) factor *= 1 + 0.7 / static_cast<double>(x.tiles);
  }
  return factor;
}

// Where noise has windows too quiet for so large a block, the guard looks several times and repairs.
double repairs(const FftPlan& f, double block, double window) {
  constexpr double seen = 0.8;  // of a window, by the guard
  const double share = block / (seen * least_noise_energy(window) * energy_ratio(f));
  return std::clamp(share * share, 1.0, 8.0);
}

// The expected factor of a tile's time, over tiles inside and at the ends of each axis. Windows at the ends of a `same`
// result are half empty under a constant border, but few; those of a `full` one are border_factor's.
double guard_factor(const FftPlan& f, int a, double block, double window) {
  constexpr double few = 2;
  if (a == f.axes) return repairs(f, block, window);
  const FftAxisPlan& x = f.axis[a];
  const auto span = static_cast<double>(x.span), length = static_cast<double>(x.block);
  const double inside = guard_factor(f, a + 1, block, window);
  const double lost = x.axis.border == Border::constant ? static_cast<double>(-x.axis.offset) : 0;
  if (lost < 0.1 * span || lost > 0.9 * span) return inside;
  const double at_end = guard_factor(f, a + 1, block * (length - lost) / length, window * (1 - lost / (span + 1)));
  const double ends = std::min(2 / static_cast<double>(x.tiles), 1.0);
  return ends * std::min(at_end, std::max(inside, few)) + (1 - ends) * inside;
}

double guard_factor(const FftPlan& f) {
  double samples = 1;
  for (int a = 0; a < f.axes; ++a) samples *= static_cast<double>(f.axis[a].block);
  return guard_factor(f, 0, samples, static_cast<double>(f.taps)) * border_factor(f);
}

}  // namespace

// Wilson and Hilferty's cube root of a chi-squared variable (1931), 4.5 standard deviations below its mean.
double least_noise_energy(double samples) {
  const double variance = 2 / (9 * std::max(samples, 0.1)),
               root = std::max(1 - variance - 4.5 * std::sqrt(variance), 0.1);
  return samples * root * root * root;
}

double energy_ratio(const FftPlan& f) {
  constexpr double promised = 8, own = 5, spread = 0.35;
  double points = 1;
  for (int a = 0; a < f.axes; ++a) points *= static_cast<double>(f.axis[a].block);
  const double ratio = (promised * std::log2(static_cast<double>(f.taps) + 1) - own) / (spread * std::log2(points));
  return ratio * ratio;
}

double fft_tile_seconds(const FftPlan& f) {
  const FftCost& cost = cost_of(f);
  const Work w = work_of(f);
  const double rows = w.rows > 1 ? w.rows * cost.row : 0;
  const auto filters = static_cast<double>(f.filters);
  const double transforms = filters == 1 ? 1 : (1 + filters) / 2;
  return (seconds_of(f, w) * transforms + (rows + cost.tile) * (filters == 1 ? 1 : 1 + filters)) * guard_factor(f);
}

// A tile by itself that threads share: its passes are phases that wait for each other, and of several axes most of what
// lies at empty ends is done again. Measured, on one thread and two.
double shared_factor(const FftPlan& f) {
  bool wrapping = false;
  int empty_ends = 0;
  for (int a = 0; a < f.axes; ++a) {
    wrapping = wrapping || wraps(f.axis[a]);
    empty_ends += f.axis[a].axis.border == Border::constant && f.axis[a].axis.offset < 0;
  }
  const double bytes = work_of(f).bytes, near = 256 << 10;
  if (!wrapping && (f.tiles > 1 || bytes < static_cast<double>(least_shared_bytes))) return 1;
  return (wrapping ? 1 + 0.3 * std::min(near / bytes, 1.0) : 1) * std::pow(1.35, std::max(empty_ends - 1, 0));
}

double fft_seconds(const FftPlan& f) {
  const double slices = static_cast<double>(f.groups) * static_cast<double>(f.batches);
  const double kernels = static_cast<double>(f.groups) * static_cast<double>(f.filters);
  return (slices * static_cast<double>(f.tiles) * fft_tile_seconds(f) + kernels * fft_spectrum_seconds(f)) *
             shared_factor(f) +
         cost_of(f).call;
}

double fft_spectrum_seconds(const FftPlan& f) {
  const FftCost& cost = cost_of(f);
  const Work w = work_of(f);
  const double lanes = f.lanes_free ? static_cast<double>(f.strip_samples / f.lanes) : 1;
  return (seconds_of(f, w) / lanes + w.rows * cost.row + cost.tile) / 2 + static_cast<double>(f.taps) * cost.tap;
}

bool choose_blocks(FftPlan& f, const FftBlocks& forced, std::vector<Candidate>* record) {
  choose_strip(f);
  if (forced.axes > 0 && forced.axes != f.axes) return false;
  Search search{f, forced, record};
  search.axis(0, 1);
  search.whole_tile();
  if (search.best == std::numeric_limits<double>::infinity()) return false;
  f.wraps = false;
  for (int a = 0; a < f.axes; ++a) {
    if (search.whole) {
      set_whole_block(f.axis[a], search.chosen[a]);
      f.wraps = f.wraps || wraps(f.axis[a]);
      continue;
    }
    set_block(f.axis[a], search.chosen[a], a == f.axes - 1 && !f.lanes_free ? f.lanes : 1);
  }
  return true;
}

}  // namespace convcorr
