// Transforms of tiles, for convolution only: see FftTile in table.h.
//
// The outermost axis' first pass reads the data and its last pass back writes the results; in between, blocks are
// finished one by one, depth first, so that the deep passes of a large tile stay in the nearest cache:
//
//   enter    first pass of the outermost axis, out of the rows of data
//   middle   each block: its remaining passes, the next axis, ..., base case x spectrum, and all the way back
//   leave    last pass back, into the rows of results
#include "kernels/energy.h"
#include "kernels/fft_base.h"
#include "kernels/fft_passes.h"

namespace convcorr::CONVCORR_ISA {
namespace {

// What a walk through the tile carries along: it adds the same offset to the tile, the transform and the spectrum.
template <class T>
struct Place {
  Split<T>* tile;
  const Split<T>* transformed;  // Mode::invert
  const T* spectrum;            // elements like the tile's, or a complex scalar for each row

  CONVCORR_INLINE Place at(index_t elements, index_t spectrum_scalars) const {
    return {tile + elements, transformed ? transformed + elements : nullptr, spectrum + spectrum_scalars};
  }
};

template <class T>
class Walk {
 public:
  explicit Walk(const FftTile& t) : t_(t) {
    rows_[t.columns] = 1;
    for (int a = t.columns - 1; a >= 0; --a) rows_[a] = rows_[a + 1] * t.column[a].points;
  }

  // Everything of axis `a` from `level` on and of the axes inside it; the block has `points` points of axis a.
  template <Mode mode>
  void axis(int a, int level, index_t points, const Place<T>& at) const {
    if (a == t_.columns) return t_.lanes_free ? row<mode>(at) : lane<mode>(level, points, at);
    if (level == t_.column[a].levels) return axis<mode>(a + 1, 0, points_of(a + 1), at);
    const int radix = t_.column[a].radix[level];
    const Axis pass = column_axis(a, points / radix);
    if constexpr (mode != Mode::invert) pass_in_tile<T, true, false>(t_.column[a], level, pass, at.tile);
    blocks<mode>(a, level + 1, radix, pass.m, at);
    if constexpr (mode != Mode::forward) pass_in_tile<T, false, false>(t_.column[a], level, pass, at.tile);
  }

  // `count` blocks of m points each. The base case may take several of the lane axis at a time.
  template <Mode mode>
  void blocks(int a, int level, index_t count, index_t m, const Place<T>& at) const {
    if (a == t_.columns && level == t_.lane.levels) return lane<mode>(level, count * m, at);
    for (index_t b = 0; b < count; ++b) axis<mode>(a, level, m, block(a, b, m, at));
  }

  Place<T> block(int a, index_t b, index_t m, const Place<T>& at) const {
    const index_t rows = a == t_.columns ? 0 : b * m * rows_[a + 1];
    const index_t elements = a == t_.columns ? b * m : rows * t_.pitch;
    return at.at(elements, t_.lanes_free ? 2 * rows : 2 * lanes<T> * elements);
  }

  Axis column_axis(int a, index_t m) const {
    return {m, rows_[a + 1] * t_.pitch, rows_[a + 1], t_.pitch, 0, t_.vectors};
  }
  static Axis lane_axis(index_t m) { return {m, 1, 1, 0, 0, m}; }

 private:
  template <Mode mode>
  void lane(int level, index_t points, const Place<T>& at) const {
    const FftAxis& axis = t_.lane;
    const auto* h = reinterpret_cast<const Split<T>*>(at.spectrum);
    if (level == axis.levels) return base_case<T, mode>(at.tile, at.transformed, h, points, axis.base_twiddles);
    const int radix = axis.radix[level];
    const Axis pass = lane_axis(points / radix);
    if constexpr (mode != Mode::invert) pass_in_tile<T, true, true>(axis, level, pass, at.tile);
    blocks<mode>(t_.columns, level + 1, radix, pass.m, at);
    if constexpr (mode != Mode::forward) pass_in_tile<T, false, true>(axis, level, pass, at.tile);
  }

  template <Mode mode>
  void row(const Place<T>& at) const {
    if constexpr (mode == Mode::convolve) multiply_row<T>(at.tile, at.tile, at.spectrum, t_.vectors);
    if constexpr (mode == Mode::invert) multiply_row<T>(at.tile, at.transformed, at.spectrum, t_.vectors);
  }

  // Along the lane axis in registers.
  index_t points_of(int a) const { return a < t_.columns ? t_.column[a].points : t_.lane.points / lanes<T>; }

  const FftTile& t_;
  index_t rows_[max_fft_columns + 1];  // of a point of the axis before: of everything inside
};

// Rows outside the tile: to be written, `count` elements of each; or to be read.
struct Data {
  void* const* rows;
  index_t count = 0;
  const FftInput* input = nullptr;  // of a tile that is shared
};

template <class T, bool bounded>
Bounds<T> bounds_of(const Data& d, index_t sample) {
  if constexpr (!bounded) return {};
  const FftInput& in = *d.input;
  return {in.low, in.high, in.origin, sample, static_cast<T>(in.first_factor), static_cast<T>(in.factor)};
}

// The outermost axis' pass between the tile and the rows of data.
template <class T, bool forward, bool bounded, bool lane, bool folded>
void pass_of_data(const FftTile& t, const Axis& axis, const Data& d, Split<T>* tile) {
  const FftAxis& outer = lane ? t.lane : t.column[0];
  const InRows<T, lane, folded, bounded> data = {d.rows, axis.rows, outer.points, folded ? d.count : 2 * d.count,
                                                 bounds_of<T, bounded>(d, folded ? 1 : 2)};
  const InTile<T> in_tile = {tile, axis.step, axis.pitch};
  const TwiddleTables tables = {outer.twiddles[0], outer.far_twiddles[0]};
  constexpr Twiddles kind = folded ? Twiddles::folded : Twiddles::pairs;
  if constexpr (bounded) {
    const InPart<T> part = {in_tile, d.input->first_block, d.input->end_block};
    first_pass_of_radix<T, true, lane, kind>(outer.radix[0], axis, tables, data, part);
  } else if constexpr (forward) {
    first_pass_of_radix<T, true, lane, kind>(outer.radix[0], axis, tables, data, in_tile);
  } else {
    first_pass_of_radix<T, false, lane, kind>(outer.radix[0], axis, tables, in_tile, data);
  }
}

template <class T, bool forward, bool bounded = false>
void pass_of_data(const FftTile& t, const Axis& axis, const Data& d, Split<T>* tile) {
  if (t.columns == 0) {
    if (t.folded) return pass_of_data<T, forward, bounded, true, true>(t, axis, d, tile);
    return pass_of_data<T, forward, bounded, true, false>(t, axis, d, tile);
  }
  if (t.folded) return pass_of_data<T, forward, bounded, false, true>(t, axis, d, tile);
  pass_of_data<T, forward, bounded, false, false>(t, axis, d, tile);
}

// The outermost axis in the passes of data: all of it, or a strip.
template <class T>
Axis outer_axis(const FftTile& t, const Walk<T>& walk) {
  if (t.columns == 0) return Walk<T>::lane_axis(t.lane.points / lanes<T> / t.lane.radix[0]);
  return walk.column_axis(0, t.column[0].points / t.column[0].radix[0]);
}

// Registers of a row that hold anything wanted.
template <class T>
Axis wanted_of(const FftTile& t, Axis axis, index_t count) {
  const index_t wanted = (count + lanes<T> - 1) / lanes<T>;
  if (t.columns > 0 && wanted < axis.end) axis.end = wanted;
  return axis;
}

template <class T>
void transform(const FftTile& t, const void* const* rows, void* tile) {
  const Walk<T> walk(t);
  auto* p = static_cast<Split<T>*>(tile);
  const Axis axis = outer_axis<T>(t, walk);
  const int radix = t.columns ? t.column[0].radix[0] : t.lane.radix[0];
  pass_of_data<T, true>(t, axis, {const_cast<void* const*>(rows)}, p);
  walk.template blocks<Mode::forward>(0, 1, radix, axis.m, {p, nullptr, reinterpret_cast<const T*>(tile)});
}

template <class T, Mode mode>
void middle_and_leave(const FftTile& t, const Place<T>& at, const FftRows& out) {
  const Walk<T> walk(t);
  const Axis axis = outer_axis<T>(t, walk);
  const int radix = t.columns ? t.column[0].radix[0] : t.lane.radix[0];
  walk.template blocks<mode>(0, 1, radix, axis.m, at);
  pass_of_data<T, false>(t, wanted_of<T>(t, axis, out.count), {out.rows, out.count}, at.tile);
}

template <class T>
void convolve(const FftTile& t, const void* const* rows, void* tile, const void* spectrum, const FftRows& out) {
  auto* p = static_cast<Split<T>*>(tile);
  pass_of_data<T, true>(t, outer_axis<T>(t, Walk<T>(t)), {const_cast<void* const*>(rows)}, p);
  middle_and_leave<T, Mode::convolve>(t, {p, nullptr, static_cast<const T*>(spectrum)}, out);
}

template <class T>
void invert(const FftTile& t, const void* transformed, const void* spectrum, void* tile, const FftRows& out) {
  middle_and_leave<T, Mode::invert>(
      t, {static_cast<Split<T>*>(tile), static_cast<const Split<T>*>(transformed), static_cast<const T*>(spectrum)},
      out);
}

// The strip's part of pass `level` > 0, in blocks [first, end) of the first pass.
template <class T, bool forward>
void strip_passes(const FftTile& t, const FftStrip& strip, int level, index_t first, index_t end, Split<T>* p) {
  const Walk<T> walk(t);
  const bool lane = t.columns == 0;
  const FftAxis& outer = lane ? t.lane : t.column[0];
  index_t blocks = 1;  // of one of the first pass
  for (int l = 1; l < level; ++l) blocks *= outer.radix[l];
  const index_t points = (lane ? outer.points / lanes<T> : outer.points) / (blocks * outer.radix[0]);
  const index_t m = points / outer.radix[level];
  Axis axis = lane ? Walk<T>::lane_axis(m) : walk.column_axis(0, m);
  axis.first = strip.first;
  axis.end = strip.end;
  for (index_t b = first * blocks; b < end * blocks; ++b) {
    Split<T>* block = p + b * points * axis.step;
    if (lane) {
      pass_in_tile<T, forward, true>(outer, level, axis, block);
    } else {
      pass_in_tile<T, forward, false>(outer, level, axis, block);
    }
  }
}

// The strip of the pass that touches data. On the lane axis deeper levels join butterflies of this one that lie apart.
//   level 0:  |  [--]    |  [--]    |  [--]    |     butterflies [first, end) of each of level 1's blocks
template <class T, bool forward>
void strip_of_data(const FftTile& t, const FftStrip& strip, const Data& d, Split<T>* p) {
  const Walk<T> walk(t);
  Axis axis = outer_axis<T>(t, walk);
  if (t.columns > 0) {
    axis.first = strip.first;
    axis.end = strip.end;
    return pass_of_data<T, forward, forward>(t, axis, d, p);
  }
  const index_t apart = strip.levels == 1 ? axis.m : axis.m / t.lane.radix[1];
  for (index_t from = 0; from < axis.m; from += apart) {
    axis.first = from + strip.first;
    axis.end = from + strip.end;
    pass_of_data<T, forward, forward>(t, axis, d, p);
  }
}

template <class T>
void enter(const FftTile& t, const FftStrip& strip, const FftInput& in, void* tile) {
  auto* p = static_cast<Split<T>*>(tile);
  strip_of_data<T, true>(t, strip, {const_cast<void* const*>(in.rows), 0, &in}, p);
  for (int level = 1; level < strip.levels; ++level) {
    strip_passes<T, true>(t, strip, level, in.first_block, in.end_block, p);
  }
}

template <class T>
void leave(const FftTile& t, const FftStrip& strip, void* tile, const FftRows& out) {
  auto* p = static_cast<Split<T>*>(tile);
  const FftAxis& outer = t.columns ? t.column[0] : t.lane;
  for (int level = strip.levels - 1; level > 0; --level) strip_passes<T, false>(t, strip, level, 0, outer.radix[0], p);
  strip_of_data<T, false>(t, strip, {out.rows, out.count}, p);
}

template <class T>
void middle(const FftTile& t, int levels, index_t first, index_t end, void* tile, void* kernel, bool is_spectrum) {
  const Walk<T> walk(t);
  const FftAxis& outer = t.columns ? t.column[0] : t.lane;
  index_t points = t.columns ? outer.points : outer.points / lanes<T>;
  for (int l = 0; l < levels; ++l) points /= outer.radix[l];
  const Place<T> data = {static_cast<Split<T>*>(tile), nullptr, static_cast<const T*>(kernel)};
  const Place<T> taps = {static_cast<Split<T>*>(kernel), nullptr, static_cast<const T*>(kernel)};
  for (index_t b = first; b < end; ++b) {
    if (!is_spectrum) walk.template axis<Mode::forward>(0, levels, points, walk.block(0, b, points, taps));
    if (tile) walk.template axis<Mode::convolve>(0, levels, points, walk.block(0, b, points, data));
  }
}

template <class T>
constexpr FftFunctions functions = {transform<T>, convolve<T>,  invert<T>,       enter<T>,
                                    middle<T>,    leave<T>,     square_cells<T>, square_rows<T>,
                                    sum_line<T>,  sum_lines<T>, least_sum<T>,    least_window<T>};

}  // namespace

extern const FftTable fft;
const FftTable fft = {functions<float>, functions<double>};

}  // namespace convcorr::CONVCORR_ISA
