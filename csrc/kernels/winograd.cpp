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
// A tile's last n - m samples are the first ones of its neighbour, or lie beyond the piece: where pieces follow each
// other in one register, a second set of lines holds the samples m further on. Registers needed: n + 2.
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

// Lines of one register of tiles.
template <class T, int m, int r>
struct Lines {
  static constexpr int n = m + r - 1, length = (m + 2) * lanes<T>;
  // What is read ahead of a piece's samples, and what fills and copies may write behind them.
  static constexpr int slack = 3 * lanes<T> + n;
  T staged[n][m * lanes<T> + slack];
  T at[n][length], ahead[n][length];
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
// last tile reads of its neighbour, else these go to the second set.
template <class T, int m, int r, bool alone>
CONVCORR_INLINE void transform_columns(const WinogradInput& in, const WinogradPiece& p, const T* x, const T* next,
                                       Lines<T, m, r>& l) {
  constexpr int n = m + r - 1, width = lanes<T>;
  const index_t samples = m * p.tiles, needed = samples + r - 1;
  const T* row[n];
#pragma GCC unroll 8
  for (int j = 0; j < n; ++j) {
    row[j] = sample_row<T>(in, p, j, x, needed, needed + width + m, l.staged[j]);
    fetch_row(p, j, next);
  }
  const auto columns = [&](index_t q, index_t from, T(*to)[Lines<T, m, r>::length]) CONVCORR_INLINE_LAMBDA {
    vec<T> sample[n], point[n];
#pragma GCC unroll 8
    for (int j = 0; j < n; ++j) sample[j] = load(row[j] + from + q);
    sample_points<T, n>(sample, point);
#pragma GCC unroll 8
    for (int i = 0; i < n; ++i) store(to[i] + m * p.lane + q, point[i]);
  };
  for (index_t q = 0; q < (alone ? needed : samples); q += width) {
    columns(q, 0, l.at);
    if constexpr (!alone) columns(q, m, l.ahead);
  }
}

// Samples of rows to points, for one register of tiles.
template <class T, int m, int r, bool alone>
CONVCORR_INLINE void transform_rows(const Lines<T, m, r>& l, T* panel, index_t point_stride, index_t half_stride) {
  constexpr int n = m + r - 1;
  for (int i = 0; i < n; ++i) {
    vec<T> sample[n], point[n];
    split_phases<T, m, m>(l.at[i], sample);
    if constexpr (alone) {
      static_assert(r == 3);
      const vec<T> next = load(l.at[i] + m * lanes<T>);
      sample[m] = one_on<T, 0>(sample[0], next);
      sample[m + 1] = one_on<T, 1>(sample[1], next);
    } else {
      split_phases<T, m, r - 1>(l.ahead[i], sample + m);
    }
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

template <class T, int m, int r>
void transform_input(const WinogradInput& in) {
  constexpr int n = m + r - 1;
  static_assert(r - 1 <= m);
  alignas(64) Lines<T, m, r> lines;
  // Lanes behind the last tile are transformed too, whatever they hold: 0 is no slow number.
#pragma GCC unroll 8
  for (int i = 0; i < n; ++i) {
    fill_near(lines.at[i], Lines<T, m, r>::length, T(0));
    fill_near(lines.ahead[i], Lines<T, m, r>::length, T(0));
  }
  for (index_t c = 0; c < in.channels; ++c) {
    const T* const x = static_cast<const T*>(in.x[c]);
    const T* const next = static_cast<const T*>(in.x[c + 1 < in.channels ? c + 1 : c]);
    for (index_t k = 0; k < in.register_count; ++k) {
      const WinogradRegister& reg = in.registers[k];
      T* const panel = static_cast<T*>(reg.panel) + c * reg.channel_stride;
      if (reg.piece_count == 1) {
        transform_columns<T, m, r, true>(in, reg.pieces[0], x, next, lines);
        transform_rows<T, m, r, true>(lines, panel, in.point_stride, reg.half_stride);
      } else {
        for (index_t i = 0; i < reg.piece_count; ++i) {
          transform_columns<T, m, r, false>(in, reg.pieces[i], x, next, lines);
        }
        transform_rows<T, m, r, false>(lines, panel, in.point_stride, reg.half_stride);
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

template <class T, int m, int r>
unsigned transform_output(const WinogradOutput& out) {
  constexpr int n = m + r - 1, width = lanes<T>;
  alignas(64) T line[m][m * width];
  vec<T> check[m] = {};
  for (index_t c = 0; c < out.channels; ++c) {
    const T* sums = static_cast<const T*>(out.sums) + c * out.row_stride;
    vec<T> rows[m][n];
#pragma GCC unroll 8
    for (int q = 0; q < n; ++q) {
      vec<T> sum[n], some[m];
#pragma GCC unroll 8
      for (int i = 0; i < n; ++i) sum[i] = load(sums + (i * n + q) * out.point_stride);
      output_points<T, n, m>(sum, some);
#pragma GCC unroll 8
      for (int a = 0; a < m; ++a) rows[a][q] = some[a];
    }
    const vec<T> bias = broadcast(out.bias ? static_cast<const T*>(out.bias)[c] : T(0));
#pragma GCC unroll 8
    for (int a = 0; a < m; ++a) {
      vec<T> y[m];
      output_points<T, n, m>(rows[a], y);
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
      for (int a = 0; a < m; ++a) {
        if (p.out_row[a] != no_row) copy_exactly(y + p.out_row[a], line[a] + m * p.lane, p.wanted);
      }
    }
  }
  unsigned bits = 0;
  for (int b = 0; b < m; ++b) bits |= lanes_not_zero<T>(check[b]);
  return bits;
}

// One tile of a register's channels, to a row of m outputs for each of m rows.
template <class T, int m, int r>
CONVCORR_INLINE vec<T> transform_tile(const T* sums, index_t point_stride, vec<T> bias, vec<T> (*rows)[lanes<T>],
                                      int column) {
  constexpr int n = m + r - 1;
  vec<T> half[m][n], check = {};
#pragma GCC unroll 8
  for (int q = 0; q < n; ++q) {
    vec<T> sum[n], some[m];
#pragma GCC unroll 8
    for (int i = 0; i < n; ++i) sum[i] = load(sums + (i * n + q) * point_stride);
    output_points<T, n, m>(sum, some);
#pragma GCC unroll 8
    for (int a = 0; a < m; ++a) half[a][q] = some[a];
  }
#pragma GCC unroll 8
  for (int a = 0; a < m; ++a) {
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
template <class T, int m, int r>
unsigned transform_output_turned(const WinogradOutput& out) {
  constexpr int width = lanes<T>, at_once = width / m;
  vec<T> check[width] = {};
  for (index_t c = 0; c < out.channels; c += width) {
    const index_t channels = out.channels - c < width ? out.channels - c : width;
    T some[width] = {};
    for (index_t l = 0; l < channels && out.bias; ++l) some[l] = static_cast<const T*>(out.bias)[c + l];
    const vec<T> bias = load(some);
    for (index_t k = 0; k < out.piece_count; ++k) {
      const WinogradPiece& p = out.pieces[k];
      for (index_t t = 0; t < p.tiles; t += at_once) {
        vec<T> rows[m][width];
        for (int i = 0; i < at_once && t + i < p.tiles; ++i) {
          const T* const sums = static_cast<const T*>(out.sums) + (p.lane + t + i) * out.row_stride + c;
          check[p.lane + t + i] += transform_tile<T, m, r>(sums, out.point_stride, bias, rows, i * m);
        }
        const index_t left = p.wanted - t * m;
        for (int a = 0; a < m; ++a) {
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

template <class T, int m, int r>
bool transform_taps(const WinogradTaps& w) {
  constexpr int n = m + r - 1, width = lanes<T>, count = r * r;
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
    vec<T> tap[count], columns[n][r];
    load_squares<T, count>(from, stride, tap);
#pragma GCC unroll 8
    for (int b = 0; b < r; ++b) {
      vec<T> column[r], point[n];
#pragma GCC unroll 8
      for (int a = 0; a < r; ++a) column[a] = tap[w.flip ? count - 1 - (a * r + b) : a * r + b];
      tap_points<T, n, r>(column, point);
#pragma GCC unroll 8
      for (int i = 0; i < n; ++i) columns[i][b] = point[i];
    }
    T* to = static_cast<T*>(w.points) + g * w.points_of_group;
#pragma GCC unroll 8
    for (int i = 0; i < n; ++i) {
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
template <class T, int m>
constexpr auto output_turned() -> unsigned (*)(const WinogradOutput&) {
  if constexpr (lanes<T> < m) {
    return nullptr;
  } else {
    return transform_output_turned<T, m, 3>;
  }
}

template <class T, int m>
constexpr WinogradFunctions functions = {
    m, m + 2, transform_input<T, m, 3>, transform_output<T, m, 3>, output_turned<T, m>(), transform_taps<T, m, 3>};

}  // namespace

extern const WinogradTable winograd;
const WinogradTable winograd = {functions<float, 2>, functions<float, 4>, functions<double, 2>, functions<double, 4>};

}  // namespace convcorr::CONVCORR_ISA
