// A plane of samples under the taps of one channel.
//
// A tile of R x V registers of outputs stays in registers while taps pass. Taps below each other share their samples:
// a register of row i is loaded once for all outputs above it that see it.
//
//     taps  t0      row 0    o0 += t0 x0
//           t1      row 1    o0 += t1 x1   o1 += t0 x1
//           t2      row 2    o0 += t2 x2   o1 += t1 x2   o2 += t0 x2       (R + 2) loads for 3 R products
//
// The last register of a row begins where it ends with the row, so that some outputs are computed twice, to the same
// bits; only rows shorter than a register are stored in part.
#include "kernels/depthwise_table.h"
#include "simd/vec.h"

namespace convcorr::CONVCORR_ISA {
namespace {

constexpr int most_together = 3;  // taps below each other that share a register's load

// Sums are taken 8 apart: that many chains fill the multiply-adders.
constexpr int rows_of_one = 8, rows_of_two = 4;

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
  for (index_t c = 0; c < p.tap_columns; ++c) {
    const TapColumn& taps = p.taps[c];
    const T* x = samples + taps.plane;
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

}  // namespace

extern const DepthwiseTable depthwise;
const DepthwiseTable depthwise = {slide<float>, slide<double>};

}  // namespace convcorr::CONVCORR_ISA
