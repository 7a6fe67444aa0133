// The transforms of Winograd's convolution: samples to points, taps to points, and sums of products to outputs.
//
// The samples of a piece lie side by side, so its tiles' columns are transformed first, along registers of samples:
// each serves 1 tile for every `m` lanes. Then lanes of samples become lanes of tiles, and rows are transformed:
//
//   n rows of samples     n rows of points        n x n registers, of 16 tiles each
//   x x x x x x x ...     p p p p|p p p p|...      t t t t ... t    sample 0 of all tiles   ->  point (i, 0)
//   x x x x x x x ...  -> p p p p|p p p p|...  ->  t t t t ... t    sample 1                    point (i, 1)
//   ...                   ...                      ...
//
// A tile's last n - m samples are the first ones of its neighbours, or lie beyond the piece: where pieces follow each
// other in one register, further sets of lines hold the samples m, 2 m, ... further on. Registers needed: n + 2.
#include "kernels/winograd_table.h"
#include "simd/phases.h"
#include "simd/toom_cook.h"
#include "simd/transpose.h"

namespace convcorr::CONVCORR_ISA {
namespace {

template <class T>
CONVCORR_INLINE void fill_near(T* to, index_t n, T value) {
  for (index_t i = 0; i < n; i += lanes<T>) store(to + i, broadcast(value));
}

// An axis of a tile.
template <int m, int r>
struct Axis {
  static constexpr int outputs = m, taps = r, points = m + r - 1;
};

// Lines of one register of tiles.
template <class T, class Rows, class Lane>
struct Lines {
  static constexpr int m = Lane::outputs, n = Rows::points, length = (m + 2) * lanes<T>;
  static constexpr int sets = 1 + (Lane::taps - 2 + m) / m;  // set s: the samples s * m further on
  // How many of a tile's samples a set holds.
  static constexpr int held(int set) { return Lane::points - m * set < m ? Lane::points - m * set : m; }
  // What is read ahead of a piece's samples, and what fills and copies may write behind them.
  static constexpr int slack = 3 * lanes<T> + Lane::points;
  T staged[n][m * lanes<T> + slack];
  T at[sets][n][length];
};

// A row of samples with its fills, or x itself where no fill is wanted and `readable` samples are there.
template <class T>
CONVCORR_INLINE const T* sample_row(const WinogradInput& in, const WinogradPiece& p, int j, const T* x, index_t needed,
                                    index_t readable, T* staged) {
  const T fill = T(in.fill);
  if (p.row[j] == no_row) {
    fill_near(staged, needed, fill);
    return staged;
  }
  const T *const from = x + p.row[j], *const end = static_cast<const T*>(in.x_end);
  const bool whole = p.before == 0 && p.present == needed;
  if (whole && readable <= end - from) return from;
  if (p.before > 0) fill_near(staged, p.before, fill);
  T* const to = staged + p.before;
  index_t i = 0;
  for (; i < p.present && i + lanes<T> <= end - from; i += lanes<T>) store(to + i, load_once(from + i));
  for (; i < p.present; ++i) __builtin_memcpy(to + i, from + i, sizeof(T));  // from is of any alignment
  if (!whole) fill_near(to + p.present, needed - p.before - p.present, fill);
  return staged;
}

// Rows of the channel that is next: they lie far from this one's.
template <class T>
CONVCORR_INLINE void fetch_row(const WinogradPiece& p, int j, const T* x) {
  if (p.row[j] == no_row) return;
  for (index_t i = 0; i < p.present; i += 64 / sizeof(T)) __builtin_prefetch(x + p.row[j] + i);
}

// The columns of a piece's tiles, transformed, from lane `lane` of the lines on; `alone`: with the samples that its
// last tile reads of its neighbours, else these go to the further sets.
template <class T, class Rows, class Lane, bool alone>
CONVCORR_INLINE void transform_columns(const WinogradInput& in, const WinogradPiece& p, const T* x, const T* next,
                                       Lines<T, Rows, Lane>& l) {
  constexpr int n = Rows::points, m = Lane::outputs, width = lanes<T>;
  const index_t samples = m * p.tiles, needed = samples + Lane::taps - 1;
  const T* row[n];
#pragma GCC unroll 8
  for (int j = 0; j < n; ++j) {
    row[j] = sample_row<T>(in, p, j, x, needed, needed + width + m, l.staged[j]);
    fetch_row(p, j, next);
  }
  const auto columns = [&](index_t q, int set) CONVCORR_INLINE_LAMBDA {
    vec<T> sample[n], point[n];
#pragma GCC unroll 8
    for (int j = 0; j < n; ++j) sample[j] = load(row[j] + m * set + q);
    sample_points<T, n>(sample, point);
#pragma GCC unroll 8
    for (int i = 0; i < n; ++i) store(l.at[set][i] + m * p.lane + q, point[i]);
  };
  for (index_t q = 0; q < (alone ? needed : samples); q += width) {
#pragma GCC unroll 4
    for (int set = 0; set < (alone ? 1 : l.sets); ++set) columns(q, set);
  }
}

// The samples of one row of tiles, lanes of tiles: sample j of a tile is sample j - m of the next one.
template <class T, class Rows, class Lane, bool alone>
CONVCORR_INLINE void split_samples(const Lines<T, Rows, Lane>& l, int i, vec<T>* sample) {
  constexpr int m = Lane::outputs, shared = Lane::taps - 1, width = lanes<T>;
  split_phases<T, m, m>(l.at[0][i], sample);
  if constexpr (alone) {
    [&]<int... k>(std::integer_sequence<int, k...>) CONVCORR_INLINE_LAMBDA {
      ((sample[m + k] = one_on<T, k % width>(sample[k], load(l.at[0][i] + (m + k / width) * width))), ...);
    }(std::make_integer_sequence<int, shared>{});
  } else {
    [&]<int... s>(std::integer_sequence<int, s...>) CONVCORR_INLINE_LAMBDA {
      ((split_phases<T, m, Lines<T, Rows, Lane>::held(s + 1)>(l.at[s + 1][i], sample + m * (s + 1))), ...);
    }(std::make_integer_sequence<int, Lines<T, Rows, Lane>::sets - 1>{});
  }
}

// Samples of rows to points, for one register of tiles.
template <class T, class Rows, class Lane, bool alone>
CONVCORR_INLINE void transform_rows(const Lines<T, Rows, Lane>& l, T* panel, index_t point_stride,
                                    index_t half_stride) {
  constexpr int n = Lane::points;
  for (int i = 0; i < Rows::points; ++i) {
    vec<T> sample[n], point[n];
    split_samples<T, Rows, Lane, alone>(l, i, sample);
    sample_points<T, n>(sample, point);
    if (half_stride == 0) {
#pragma GCC unroll 8
      for (int q = 0; q < n; ++q, panel += point_stride) store(panel, point[q]);
    } else {
      constexpr auto half = std::make_integer_sequence<int, lanes<T> / 2>{};
#pragma GCC unroll 8
      for (int q = 0; q < n; ++q, panel += point_stride) {
        store_half<T, 0>(panel, point[q], half);
        store_half<T, lanes<T> / 2>(panel + half_stride, point[q], half);
      }
    }
  }
}

template <class T, class Rows, class Lane>
void transform_input(const WinogradInput& in) {
  using Of = Lines<T, Rows, Lane>;
  alignas(64) Of lines;
  // Lanes behind the last tile are transformed too, whatever they hold: 0 is no slow number.
  for (int set = 0; set < Of::sets; ++set) {
#pragma GCC unroll 8
    for (int i = 0; i < Of::n; ++i) fill_near(lines.at[set][i], Of::length, T(0));
  }
  for (index_t c = 0; c < in.channels; ++c) {
    const T* const x = static_cast<const T*>(in.x[c]);
    const T* const next = static_cast<const T*>(in.x[c + 1 < in.channels ? c + 1 : c]);
    for (index_t k = 0; k < in.register_count; ++k) {
      const WinogradRegister& reg = in.registers[k];
      T* const panel = static_cast<T*>(reg.panel) + c * reg.channel_stride;
      if (reg.piece_count == 1) {
        transform_columns<T, Rows, Lane, true>(in, reg.pieces[0], x, next, lines);
        transform_rows<T, Rows, Lane, true>(lines, panel, in.point_stride, reg.half_stride);
      } else {
        for (index_t i = 0; i < reg.piece_count; ++i) {
          transform_columns<T, Rows, Lane, false>(in, reg.pieces[i], x, next, lines);
        }
        transform_rows<T, Rows, Lane, false>(lines, panel, in.point_stride, reg.half_stride);
      }
    }
  }
}

// The last n elements of a row, n < 2 `width`: as much as a `width` at a time, and nothing beyond.
template <class T, int width>
CONVCORR_INLINE void copy_rest(T* to, const T* from, index_t n) {
  if (n & width) {
    __builtin_memcpy(to, from, width * sizeof(T));
    to += width;
    from += width;
  }
  if constexpr (width > 1) copy_rest<T, width / 2>(to, from, n);
}

template <class T>
CONVCORR_INLINE void copy_exactly(T* to, const T* from, index_t n) {
  index_t i = 0;
  for (; i + lanes<T> <= n; i += lanes<T>) store(to + i, load_once(from + i));
  copy_rest<T, lanes<T> / 2>(to + i, from + i, n - i);
}

template <class T>
CONVCORR_INLINE unsigned lanes_not_zero(vec<T> v) {
  T lane[lanes<T>];
  store(lane, v);
  unsigned bits = 0;
  for (int i = 0; i < lanes<T>; ++i) bits |= unsigned(!(lane[i] == 0)) << i;
  return bits;
}

// One lane's, or one register's, tile back to outputs along its columns: half[row of outputs][point along rows].
template <class T, class Rows, class Lane>
CONVCORR_INLINE void transform_sum_columns(const T* sums, index_t point_stride, vec<T> (*half)[Lane::points]) {
#pragma GCC unroll 8
  for (int q = 0; q < Lane::points; ++q) {
    vec<T> sum[Rows::points], some[Rows::outputs];
#pragma GCC unroll 8
    for (int i = 0; i < Rows::points; ++i) sum[i] = load(sums + (i * Lane::points + q) * point_stride);
    output_points<T, Rows::points, Rows::outputs>(sum, some);
#pragma GCC unroll 8
    for (int a = 0; a < Rows::outputs; ++a) half[a][q] = some[a];
  }
}

template <class T, class Rows, class Lane>
unsigned transform_output(const WinogradOutput& out) {
  constexpr int n = Lane::points, m = Lane::outputs, rows = Rows::outputs, width = lanes<T>;
  alignas(64) T line[rows][m * width];
  vec<T> check[m] = {};
  for (index_t c = 0; c < out.channels; ++c) {
    vec<T> half[rows][n];
    transform_sum_columns<T, Rows, Lane>(static_cast<const T*>(out.sums) + c * out.row_stride, out.point_stride, half);
    const vec<T> bias = broadcast(out.bias ? static_cast<const T*>(out.bias)[c] : T(0));
#pragma GCC unroll 8
    for (int a = 0; a < rows; ++a) {
      vec<T> y[m];
      output_points<T, n, m>(half[a], y);
#pragma GCC unroll 8
      for (int b = 0; b < m; ++b) {
        check[b] += y[b] * T(0);  // NaN from any NaN or infinity
        y[b] += bias;
      }
      join_phases<T, m>(y, line[a]);
    }
    T* const y = static_cast<T*>(out.y[c]);
    for (index_t k = 0; k < out.piece_count; ++k) {
      const WinogradPiece& p = out.pieces[k];
#pragma GCC unroll 8
      for (int a = 0; a < rows; ++a) {
        if (p.out_row[a] != no_row) copy_exactly(y + p.out_row[a], line[a] + m * p.lane, p.wanted);
      }
    }
  }
  unsigned bits = 0;
  for (int b = 0; b < m; ++b) bits |= lanes_not_zero<T>(check[b]);
  return bits;
}

// One tile of a register's channels, to its outputs from `column` on of each of its rows.
template <class T, class Rows, class Lane>
CONVCORR_INLINE vec<T> transform_tile(const T* sums, index_t point_stride, vec<T> bias, vec<T> (*rows)[lanes<T>],
                                      int column) {
  constexpr int n = Lane::points, m = Lane::outputs;
  vec<T> half[Rows::outputs][n], check = {};
  transform_sum_columns<T, Rows, Lane>(sums, point_stride, half);
#pragma GCC unroll 8
  for (int a = 0; a < Rows::outputs; ++a) {
    vec<T> y[m], of_row = {};
    output_points<T, n, m>(half[a], y);
#pragma GCC unroll 8
    for (int b = 0; b < m; ++b) {
      of_row += y[b] * T(0);
      rows[a][column + b] = y[b] + bias;
    }
    check += of_row;
  }
  return check;
}

// Rows of outputs lie across the registers of their tiles: a square of registers, transposed, is a stretch of one row
// for each channel.
template <class T, class Rows, class Lane>
unsigned transform_output_turned(const WinogradOutput& out) {
  constexpr int m = Lane::outputs, width = lanes<T>, at_once = width / m;
  vec<T> check[width] = {};
  for (index_t c = 0; c < out.channels; c += width) {
    const index_t channels = out.channels - c < width ? out.channels - c : width;
    T some[width] = {};
    for (index_t l = 0; l < channels && out.bias; ++l) some[l] = static_cast<const T*>(out.bias)[c + l];
    const vec<T> bias = load(some);
    for (index_t k = 0; k < out.piece_count; ++k) {
      const WinogradPiece& p = out.pieces[k];
      for (index_t t = 0; t < p.tiles; t += at_once) {
        vec<T> rows[Rows::outputs][width];
        for (int i = 0; i < at_once && t + i < p.tiles; ++i) {
          const T* const sums = static_cast<const T*>(out.sums) + (p.lane + t + i) * out.row_stride + c;
          check[p.lane + t + i] += transform_tile<T, Rows, Lane>(sums, out.point_stride, bias, rows, i * m);
        }
        const index_t left = p.wanted - t * m;
        for (int a = 0; a < Rows::outputs; ++a) {
          if (p.out_row[a] == no_row) continue;
          transpose<T>(rows[a]);
          for (index_t l = 0; l < channels; ++l) {
            T line[width];
            store(line, rows[a][l]);
            copy_exactly(static_cast<T*>(out.y[c + l]) + p.out_row[a] + t * m, line, left < width ? left : width);
          }
        }
      }
    }
  }
  unsigned bits = 0;
  for (int t = 0; t < width; ++t) bits |= unsigned(lanes_not_zero<T>(check[t]) != 0) << t;
  return bits;
}

// tap[k] = tap k of as many squares as a register has lanes, by transposing squares of registers. Reads a register from
// every tap of the first, where that is longer than what there is.
template <class T, int count>
CONVCORR_INLINE void load_squares(const T* taps, index_t stride, vec<T>* tap) {
  constexpr int width = lanes<T>, n = count < width ? count : width;
  for (int begin = 0; begin < count; begin += n) {
    const int first = begin + n <= count ? begin : count - n;
    vec<T> square[width];
#pragma GCC unroll 16
    for (int l = 0; l < width; ++l) square[l] = load(taps + l * stride + first);
    transpose<T>(square);
#pragma GCC unroll 16
    for (int k = 0; k < n; ++k) tap[first + k] = square[k];
  }
}

template <class T, class Rows, class Lane>
bool transform_taps(const WinogradTaps& w) {
  constexpr int n = Lane::points, r = Lane::taps, width = lanes<T>, count = Rows::taps * r;
  vec<T> check = {};
  T some[(width + 1) * count + width];
  const T *taps = static_cast<const T*>(w.taps), *const end = static_cast<const T*>(w.taps_end);
  index_t squares = w.squares;
  for (index_t g = 0; g < w.groups; ++g, taps += w.group_stride, squares -= w.group_squares) {
    const T* from = taps;
    index_t stride = w.lane_stride;
    if (squares < width || end - taps < (width - 1) * stride + count + width) {
      fill_near(some, (width + 1) * count, T(0));
      for (index_t l = 0; l < squares && l < width; ++l) {
        for (int k = 0; k < count; ++k) __builtin_memcpy(some + l * count + k, taps + l * stride + k, sizeof(T));
      }
      from = some;
      stride = count;
    }
    vec<T> tap[count], columns[Rows::points][r];
    load_squares<T, count>(from, stride, tap);
#pragma GCC unroll 8
    for (int b = 0; b < r; ++b) {
      vec<T> column[Rows::taps], point[Rows::points];
#pragma GCC unroll 8
      for (int a = 0; a < Rows::taps; ++a) column[a] = tap[w.flip ? count - 1 - (a * r + b) : a * r + b];
      tap_points<T, Rows::points, Rows::taps>(column, point);
#pragma GCC unroll 8
      for (int i = 0; i < Rows::points; ++i) columns[i][b] = point[i];
    }
    T* to = static_cast<T*>(w.points) + g * w.points_of_group;
#pragma GCC unroll 8
    for (int i = 0; i < Rows::points; ++i) {
      vec<T> point[n], of_row = {};
      tap_points<T, n, r>(columns[i], point);
#pragma GCC unroll 8
      for (int q = 0; q < n; ++q, to += w.point_stride) {
        of_row += point[q] * T(0);
        store(to, point[q]);
      }
      check += of_row;
    }
  }
  return lanes_not_zero<T>(check) == 0;
}

// Turned products have no use for registers shorter than a tile.
template <class T, class Rows, class Lane>
constexpr auto output_turned() -> unsigned (*)(const WinogradOutput&) {
  if constexpr (lanes<T> < Lane::outputs) {
    return nullptr;
  } else {
    return transform_output_turned<T, Rows, Lane>;
  }
}

template <class T, class Rows, class Lane>
constexpr WinogradFunctions functions = {{Rows::outputs, Rows::taps},    {Lane::outputs, Lane::taps},
                                         transform_input<T, Rows, Lane>, transform_output<T, Rows, Lane>,
                                         output_turned<T, Rows, Lane>(), transform_taps<T, Rows, Lane>};

template <class T>
constexpr WinogradTiles tiles = {{functions<T, Axis<2, 3>, Axis<2, 3>>, functions<T, Axis<4, 3>, Axis<4, 3>>,
                                  functions<T, Axis<2, 5>, Axis<2, 5>>, functions<T, Axis<1, 1>, Axis<4, 3>>}};

}  // namespace

extern const WinogradTable winograd;
const WinogradTable winograd = {tiles<float>, tiles<double>};

}  // namespace convcorr::CONVCORR_ISA
