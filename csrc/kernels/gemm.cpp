// Products of matrices, and the packing of samples into their panels.
//
// A tile is R rows by V registers of columns. Each k loads V registers of the panel and broadcasts R numbers of a:
//
//            panel[k]:  v0 v1 v2
//   a[0][k]   ->        c00 c01 c02        R V sums + V loads + 1 broadcast stay in registers:
//   a[1][k]   ->        c10 c11 c12          32 registers   8 x 3, 8 x 2, 16 x 1
//   ...                                      16 registers   4 x 3, 4 x 2,  8 x 1
//
// Panels are short enough for the first cache and serve all rows of a before the next one is made. Rows of a may lie
// as the caller has them (a layer's weights: a row for each channel, products side by side): nothing is packed then.
// Or a table says where their numbers lie (samples under the taps of an output, where weights are the panel); there
// 8 x 1 is the tallest tile, as 16 rows would need a pointer each.
#include "kernels/gemm_table.h"
#include "simd/transpose.h"
#include "simd/vec.h"

namespace convcorr::CONVCORR_ISA {
namespace {

constexpr int most_vectors = register_count == 32 ? 3 : has_fma ? 3 : 2;
constexpr int tile_rows = register_count == 32 ? 8 : 4;

// In a register from here on: a value used by exactly two multiply-adds would be loaded in both.
template <class T>
CONVCORR_INLINE vec<T> pinned(vec<T> v) {
#if defined(__AVX512F__)
  asm("" : "+v"(v));
#elif defined(__x86_64__)
  asm("" : "+x"(v));
#elif defined(__aarch64__)
  asm("" : "+w"(v));
#endif
  return v;
}

// How the numbers of a row of a lie: side by side, in tiles of [k][tile_rows], or where a table says.
enum class Numbers { neighbours, tiles, places };

template <Numbers numbers>
CONVCORR_INLINE index_t row_offset(const GemmPanel& p, index_t row) {
  if (numbers == Numbers::tiles) return row / tile_rows * p.a_tile + row % tile_rows;
  return p.a_offsets ? p.a_offsets[row] : row * p.a_row;
}

// Without a table, register r begins with the bias of its row; with one, register v with that of its columns.
template <class T, Numbers numbers, int R, int V>
CONVCORR_INLINE void begin_sums(const GemmPanel& p, index_t row, vec<T> (&sum)[R][V]) {
  constexpr bool places = numbers == Numbers::places;
  const T* const bias = p.adds ? nullptr : static_cast<const T*>(places ? p.column_bias : p.bias);
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) {
      sum[r][v] = !bias ? vec<T>{} : places ? load(bias + v * lanes<T>) : broadcast(bias[row + r]);
    }
  }
}

// R rows of sums to c, from registers or from a buffer. NaN in what it returns where any of them isn't finite.
template <class T, int R, int V>
CONVCORR_INLINE vec<T> write_whole(const GemmPanel& p, T* c, vec<T> (&sum)[R][V]) {
  constexpr int width = lanes<T>;
  vec<T> not_finite = {};
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) {
    vec<T> of_row = {};  // a chain over all of them would take longer than their products
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) {
      T* const at = c + r * p.c_row + v * width;
      if (p.adds) sum[r][v] += load(at);
      of_row += sum[r][v] * T(0);
      store(at, sum[r][v]);
    }
    not_finite += of_row;
  }
  return not_finite;
}

template <class T>
vec<T> write_some(const GemmPanel& p, T* c, const T* sums, int rows, index_t row_length) {
  vec<T> not_finite = {};
  for (int r = 0; r < rows; ++r) {
    for (index_t j = 0; j < p.columns; ++j) {
      const T sum = p.adds ? c[r * p.c_row + j] + sums[r * row_length + j] : sums[r * row_length + j];
      not_finite += sum * T(0);
      c[r * p.c_row + j] = sum;
    }
  }
  return not_finite;
}

template <class T, int R, int V, Numbers numbers>
vec<T> multiply_tile(const GemmPanel& p, index_t row) {
  constexpr int width = lanes<T>;
  const T* const a = static_cast<const T*>(p.a);
  vec<T> sum[R][V];
  begin_sums<T, numbers>(p, row, sum);
  const T* of_row[R];
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) of_row[r] = a + row_offset<numbers>(p, row + r);
  T* const c = static_cast<T*>(p.c) + row * p.c_row;
  if (p.adds) {  // a chunk later they are far away
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
#pragma GCC unroll 4
      for (int v = 0; v < V; ++v) __builtin_prefetch(c + r * p.c_row + v * width, 1);
    }
  }
  const T* const panel = static_cast<const T*>(p.panel);
  const index_t* const offsets = p.offsets;
  constexpr index_t step = numbers == Numbers::tiles ? tile_rows : 1;
  for (index_t k = 0; k < p.depth; ++k) {
    const T* const samples = panel + offsets[k];
    const index_t place = numbers == Numbers::places ? p.a_places[k] : k * step;
    vec<T> column[V];
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) column[v] = load_once(samples + v * width);
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
      vec<T> factor = broadcast(of_row[r][place]);
      if (V > 1) factor = pinned<T>(factor);
#pragma GCC unroll 4
      for (int v = 0; v < V; ++v) sum[r][v] += factor * column[v];
    }
  }
  if (p.columns >= V * width) return write_whole<T, R, V>(p, c, sum);
  T some[R * V * width];
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) store(some + (r * V + v) * width, sum[r][v]);
  }
  return write_some(p, c, some, R, V * width);
}

template <class T, int V, Numbers numbers>
bool multiply_rows(const GemmPanel& p) {
  index_t row = 0;
  vec<T> not_finite = {};
  if constexpr (V == 1 && numbers != Numbers::places) {  // 16 rows apart need a pointer each
    for (; row + 2 * tile_rows <= p.rows; row += 2 * tile_rows)
      not_finite += multiply_tile<T, 2 * tile_rows, V, numbers>(p, row);
  }
  for (; row + tile_rows <= p.rows; row += tile_rows) not_finite += multiply_tile<T, tile_rows, V, numbers>(p, row);
  if constexpr (tile_rows > 4) {
    for (; row + 4 <= p.rows; row += 4) not_finite += multiply_tile<T, 4, V, numbers>(p, row);
  }
  for (; row + 2 <= p.rows; row += 2) not_finite += multiply_tile<T, 2, V, numbers>(p, row);
  if (row < p.rows) not_finite += multiply_tile<T, 1, V, numbers>(p, row);
  T zero = 0;
  for (int i = 0; i < lanes<T>; ++i) zero += not_finite[i];
  return zero == T(0);
}

template <class T, int V>
bool multiply_columns(const GemmPanel& p) {
  if (p.a_places) return multiply_rows<T, V, Numbers::places>(p);
  return p.a_row == 0 && !p.a_offsets ? multiply_rows<T, V, Numbers::tiles>(p)
                                      : multiply_rows<T, V, Numbers::neighbours>(p);
}

template <class T>
bool multiply(const GemmPanel& p) {
  if (most_vectors >= 3 && p.vectors == 3) return multiply_columns<T, most_vectors >= 3 ? 3 : 1>(p);
  return p.vectors == 2 ? multiply_columns<T, 2>(p) : multiply_columns<T, 1>(p);
}

// n neighbours, and whatever follows up to a whole register: the next piece, or the next row, is written over it.
template <class T>
CONVCORR_INLINE void copy_near(T* to, const T* from, index_t n, const T* end) {
  constexpr int width = lanes<T>;
  index_t i = 0;
  for (; i < n && from + i + width <= end; i += width) store(to + i, load(from + i));
  for (; i < n; ++i) to[i] = from[i];
}

template <class T, int... I>
CONVCORR_INLINE vec<T> even_lanes(vec<T> a, vec<T> b, std::integer_sequence<int, I...>) {
  return __builtin_shufflevector(a, b, (2 * I)...);
}

// Every other one, and whatever follows, likewise.
template <class T>
CONVCORR_INLINE void copy_even(T* to, const T* from, index_t n, const T* end) {
  constexpr int width = lanes<T>;
  index_t i = 0;
  for (; i < n && from + 2 * (i + width) <= end; i += width) {
    const vec<T> low = load(from + 2 * i), high = load(from + 2 * i + width);
    store(to + i, even_lanes<T>(low, high, std::make_integer_sequence<int, width>{}));
  }
  for (; i < n; ++i) to[i] = from[2 * i];
}

template <class T>
CONVCORR_INLINE void copy_piece(const PanelPiece& p, T* to, const T* x, const T* end) {
  if (p.from < 0) {
    for (index_t i = 0; i < p.n; i += lanes<T>) store(to + i, vec<T>{});
  } else if (p.step == 1) {
    copy_near(to, x + p.from, p.n, end);
  } else if (p.step == 2) {
    copy_even(to, x + p.from, p.n, end);
  } else {
    for (index_t i = 0; i < p.n; ++i) to[i] = x[p.from + i * p.step];
  }
}

template <class T>
void pack(const PanelRows& r) {
  const T* x = static_cast<const T*>(r.x);
  for (index_t c = 0; c < r.channels; ++c, x += r.channel_stride) {
    T* row = static_cast<T*>(r.panel) + c * r.panel_step;
    for (index_t t = 0; t < r.taps; ++t, row += r.width) {
      for (index_t i = r.first_piece[t]; i < r.first_piece[t + 1]; ++i) {
        copy_piece(r.pieces[i], row + r.pieces[i].at, x, static_cast<const T*>(r.x_end));
      }
    }
  }
}

template <class T>
void turn(const void* rows, index_t row_length, index_t width, index_t n, void* panel, index_t panel_row) {
  constexpr int square = lanes<T>;
  const T* const from = static_cast<const T*>(rows);
  T* const to = static_cast<T*>(panel);
  for (index_t r = 0; r < width; r += square) {
    for (index_t k = 0; k < n; k += square) {
      vec<T> a[square];
      for (int i = 0; i < square; ++i) a[i] = load(from + (r + i) * row_length + k);
      transpose<T>(a);
      for (int i = 0; i < square; ++i) store(to + (k + i) * panel_row + r, a[i]);
    }
  }
}

template <class T>
constexpr GemmFunctions functions = {multiply<T>, pack<T>, turn<T>, most_vectors, tile_rows};

}  // namespace

extern const GemmTable gemm;
const GemmTable gemm = {functions<float>, functions<double>};

}  // namespace convcorr::CONVCORR_ISA
