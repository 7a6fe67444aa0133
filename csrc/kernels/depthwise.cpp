// A plane of samples under the taps of one channel; and pixels, whose lanes are channels, each under its own taps.
//
// A plane:
// A tile of R x V registers of outputs stays in registers while taps pass. Taps below each other share their samples:
// a register of row i is loaded once for all outputs above it that see it.
//
//     taps  t0      row 0    o0 += t0 x0
//           t1      row 1    o0 += t1 x1   o1 += t0 x1
//           t2      row 2    o0 += t2 x2   o1 += t1 x2   o2 += t0 x2       (R + 2) loads for 3 R products
//
// The last register of a row begins where it ends with the row, so that some outputs are computed twice, to the same
// bits; only rows shorter than a register are stored in part.
//
// Pixels: up to 8 neighbours of a row of outputs stay in registers. Taps beside each other share their samples
// likewise, and their weights are loaded once for all outputs of the tile.
#include "kernels/depthwise_table.h"
#include "simd/vec.h"

namespace convcorr::CONVCORR_ISA {
namespace {

constexpr int most_together = 3;  // taps of a run that share a register's load

// Sums are taken 8 apart: that many chains fill the multiply-adders.
constexpr int rows_of_one = 8, rows_of_two = 4, pixels_together = 8;

template <class T, int R, int V, int M>
CONVCORR_INLINE void add_taps(vec<T> (&sum)[R][V], const T* x, index_t row, index_t second, const T* weights,
                              index_t step) {
  vec<T> factor[M];
#pragma GCC unroll 4
  for (int j = 0; j < M; ++j) factor[j] = broadcast(weights[j * step]);
#pragma GCC unroll 16
  for (int i = 0; i < R + M - 1; ++i) {
#pragma GCC unroll 2
    for (int v = 0; v < V; ++v) {
      const vec<T> samples = load_once(x + i * row + v * second);
#pragma GCC unroll 4
      for (int j = 0; j < M; ++j) {
        if (i - j >= 0 && i - j < R) sum[i - j][v] += factor[j] * samples;
      }
    }
  }
}

// n < lanes of them.
template <class T>
CONVCORR_INLINE void store_some(T* to, vec<T> v, index_t n) {
  T all[lanes<T>];
  store(all, v);
  const T* from = all;
#pragma GCC unroll 4
  for (int part = lanes<T> / 2; part > 0; part /= 2) {
    if (n & part) {
      __builtin_memcpy(to, from, static_cast<unsigned long>(part) * sizeof(T));
      to += part;
      from += part;
    }
  }
}

// Outputs [row, row + R) x [column, column + lanes), and V = 2: x [column + second, ...).
template <class T, int R, int V>
void slide_tile(const DepthwisePlane& p, index_t row, index_t column, index_t second) {
  vec<T> sum[R][V];
  const T bias = p.bias ? *static_cast<const T*>(p.bias) : T(0);
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 2
    for (int v = 0; v < V; ++v) sum[r][v] = broadcast(bias);
  }
  const T* const samples = static_cast<const T*>(p.samples) + row * p.plane_row + column;
  for (index_t c = 0; c < p.tap_runs; ++c) {
    const TapRun& taps = p.taps[c];
    const T* x = samples + taps.place;
    const T* weights = static_cast<const T*>(p.weights) + taps.first;
    index_t left = taps.count;
    for (; left >= most_together; left -= most_together) {
      add_taps<T, R, V, most_together>(sum, x, p.plane_row, second, weights, taps.step);
      x += most_together * p.plane_row;
      weights += most_together * taps.step;
    }
    if (left == 2) {
      add_taps<T, R, V, 2>(sum, x, p.plane_row, second, weights, taps.step);
    } else if (left == 1) {
      add_taps<T, R, V, 1>(sum, x, p.plane_row, second, weights, taps.step);
    }
  }
  T* const y = static_cast<T*>(p.y) + row * p.y_row + column;
  if (p.columns < lanes<T>) {
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) store_some<T>(y + r * p.y_row, sum[r][0], p.columns);
    return;
  }
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 2
    for (int v = 0; v < V; ++v) store(y + r * p.y_row + v * second, sum[r][v]);
  }
}

template <class T>
using tile_fn = void (*)(const DepthwisePlane& p, index_t row, index_t column, index_t second);

template <class T, int V, int... R>
CONVCORR_INLINE tile_fn<T> tile_of(index_t rows, std::integer_sequence<int, R...>) {
  constexpr tile_fn<T> of[] = {slide_tile<T, R + 1, V>...};
  return of[rows - 1];
}

// All columns of as many rows as a tile has at most, cut evenly.
template <class T, int V, int most>
CONVCORR_INLINE void slide_rows(const DepthwisePlane& p, index_t column, index_t second) {
  const index_t tiles = (p.rows + most - 1) / most;
  for (index_t i = 0; i < tiles; ++i) {
    const index_t row = i * p.rows / tiles, end = (i + 1) * p.rows / tiles;
    tile_of<T, V>(end - row, std::make_integer_sequence<int, most>{})(p, row, column, second);
  }
}

template <class T>
void slide(const DepthwisePlane& p) {
  constexpr index_t width = lanes<T>;
  const index_t last = p.columns - width;  // where the last register begins
  index_t column = 0;
  for (; column + width < p.columns; column += 2 * width) {
    const index_t from = column + 2 * width <= p.columns ? column : last - width < 0 ? 0 : last - width;
    const index_t second = from + 2 * width <= p.columns ? width : last - from;
    slide_rows<T, 2, rows_of_two>(p, from, second);
  }
  if (column < p.columns) slide_rows<T, 1, rows_of_one>(p, last < 0 ? 0 : last, 0);
}

template <class T, int R, int M>
CONVCORR_INLINE void add_pixels(vec<T> (&sum)[R], const T* x, index_t column, const T* weights, index_t step) {
  vec<T> factor[M];
#pragma GCC unroll 4
  for (int j = 0; j < M; ++j) factor[j] = load_once(weights + j * step);
#pragma GCC unroll 16
  for (int i = 0; i < R + M - 1; ++i) {
    const vec<T> samples = load_once(x + i * column);
#pragma GCC unroll 4
    for (int j = 0; j < M; ++j) {
      if (i - j >= 0 && i - j < R) sum[i - j] += factor[j] * samples;
    }
  }
}

// Outputs that are neighbours, of a register of channels; all of whose pointers are given.
template <class T, int R>
void slide_pixels_tile(const DepthwisePixels& p, const T* samples, const T* all_weights, const T* bias, T* y) {
  vec<T> sum[R];
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) sum[r] = bias ? load(bias) : vec<T>{};
  for (index_t i = 0; i < p.tap_runs; ++i) {
    const TapRun& taps = p.taps[i];
    const T* x = samples + taps.place;
    const T* weights = all_weights + taps.first * p.weights_row;
    const index_t step = taps.step * p.weights_row;
    index_t left = taps.count;
    for (; left >= most_together; left -= most_together) {
      add_pixels<T, R, most_together>(sum, x, p.column, weights, step);
      x += most_together * p.column;
      weights += most_together * step;
    }
    if (left == 2) {
      add_pixels<T, R, 2>(sum, x, p.column, weights, step);
    } else if (left == 1) {
      add_pixels<T, R, 1>(sum, x, p.column, weights, step);
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) store(y + r * p.y_column, sum[r]);
}

template <class T>
using pixels_fn = void (*)(const DepthwisePixels& p, const T* samples, const T* weights, const T* bias, T* y);

template <class T, int... R>
CONVCORR_INLINE pixels_fn<T> pixels_of(index_t columns, std::integer_sequence<int, R...>) {
  constexpr pixels_fn<T> of[] = {slide_pixels_tile<T, R + 1>...};
  return of[columns - 1];
}

template <class T>
void slide_pixels_row(const DepthwisePixels& p, const T* samples, const T* weights, const T* bias, T* y) {
  const index_t tiles = (p.columns + pixels_together - 1) / pixels_together;
  for (index_t i = 0; i < tiles; ++i) {
    const index_t column = i * p.columns / tiles, end = (i + 1) * p.columns / tiles;
    pixels_of<T>(end - column, std::make_integer_sequence<int, pixels_together>{})(
        p, samples + column * p.column, weights, bias, y + column * p.y_column);
  }
}

template <class T>
bool slide_pixels(const DepthwisePixels& p) {
  vec<T> not_finite = {};
  const index_t last = p.channels > lanes<T> ? p.channels - lanes<T> : 0;  // where the last register begins
  for (index_t first = 0; first < p.channels; first += lanes<T>) {
    const index_t i = first < last ? first : last;
    const T* const weights = static_cast<const T*>(p.weights) + i;
    const T* const bias = p.bias ? static_cast<const T*>(p.bias) + i : nullptr;
    for (index_t t = 0; t < p.layer_taps; ++t) not_finite += load(weights + t * p.weights_row) * T(0);
    for (index_t r = 0; r < p.rows; ++r) {
      slide_pixels_row<T>(p, static_cast<const T*>(p.samples) + r * p.row + i, weights, bias,
                          static_cast<T*>(p.y) + r * p.y_row + i);
    }
  }
  T zero = 0;
  for (int i = 0; i < lanes<T>; ++i) zero += not_finite[i];
  return zero == T(0);
}

}  // namespace

extern const DepthwiseTable depthwise;
const DepthwiseTable depthwise = {slide<float>, slide<double>, slide_pixels<float>, slide_pixels<double>};

}  // namespace convcorr::CONVCORR_ISA
