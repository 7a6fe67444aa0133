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
#include "kernels/gemm_table.h"
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

// The beginning of a row of sums, of which `left` columns are wanted.
template <class T>
CONVCORR_INLINE vec<T> load_some(const T* c, index_t left) {
  if (left >= lanes<T>) return load(c);
  T some[lanes<T>] = {};
  for (index_t i = 0; i < left; ++i) some[i] = c[i];
  return load(some);
}

template <class T>
CONVCORR_INLINE void store_some(T* c, vec<T> sums, index_t left) {
  if (left >= lanes<T>) return store(c, sums);
  T some[lanes<T>];
  store(some, sums);
  for (index_t i = 0; i < left; ++i) c[i] = some[i];
}

template <bool packed>
CONVCORR_INLINE index_t row_offset(const GemmPanel& p, index_t row) {
  return packed ? row / tile_rows * p.a_tile + row % tile_rows : row * p.a_row;
}

template <class T, int R, int V, bool packed>
vec<T> multiply_tile(const GemmPanel& p, index_t row) {
  constexpr int width = lanes<T>;
  const T* const a = static_cast<const T*>(p.a);
  T* const c = static_cast<T*>(p.c) + row * p.c_row;
  const T* const bias = static_cast<const T*>(p.bias);
  vec<T> sum[R][V];
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) {
      sum[r][v] = broadcast(bias && !p.adds ? bias[row + r] : T(0));
    }
  }
  const T* of_row[R];
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) of_row[r] = a + row_offset<packed>(p, row + r);
  const T* panel = static_cast<const T*>(p.panel);
  constexpr index_t step = packed ? tile_rows : 1;
  for (index_t k = 0; k < p.depth; ++k, panel += V * width) {
    vec<T> column[V];
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) column[v] = load_once(panel + v * width);
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
      vec<T> factor = broadcast(of_row[r][k * step]);
      if (V > 1) factor = pinned<T>(factor);
#pragma GCC unroll 4
      for (int v = 0; v < V; ++v) sum[r][v] += factor * column[v];
    }
  }
  vec<T> not_finite = {};  // NaN from any NaN or Inf
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) {
      T* const at = c + r * p.c_row + v * width;
      const index_t left = p.columns - v * width;
      if (p.adds) sum[r][v] += load_some(at, left);
      not_finite += sum[r][v] * T(0);
      store_some(at, sum[r][v], left);
    }
  }
  return not_finite;
}

template <class T, int V, bool packed>
bool multiply_rows(const GemmPanel& p) {
  index_t row = 0;
  vec<T> not_finite = {};
  if constexpr (V == 1) {
    for (; row + 2 * tile_rows <= p.rows; row += 2 * tile_rows)
      not_finite += multiply_tile<T, 2 * tile_rows, V, packed>(p, row);
  }
  for (; row + tile_rows <= p.rows; row += tile_rows) not_finite += multiply_tile<T, tile_rows, V, packed>(p, row);
  if constexpr (tile_rows > 4) {
    for (; row + 4 <= p.rows; row += 4) not_finite += multiply_tile<T, 4, V, packed>(p, row);
  }
  for (; row + 2 <= p.rows; row += 2) not_finite += multiply_tile<T, 2, V, packed>(p, row);
  if (row < p.rows) not_finite += multiply_tile<T, 1, V, packed>(p, row);
  T zero = 0;
  for (int i = 0; i < lanes<T>; ++i) zero += not_finite[i];
  return zero == T(0);
}

template <class T>
bool multiply(const GemmPanel& p) {
  const bool packed = p.a_row == 0;
  if (most_vectors >= 3 && p.vectors == 3) {
    constexpr int V = most_vectors >= 3 ? 3 : 1;
    return packed ? multiply_rows<T, V, true>(p) : multiply_rows<T, V, false>(p);
  }
  if (p.vectors == 2) return packed ? multiply_rows<T, 2, true>(p) : multiply_rows<T, 2, false>(p);
  return packed ? multiply_rows<T, 1, true>(p) : multiply_rows<T, 1, false>(p);
}

// n neighbours, and whatever follows up to a whole register: the next piece, or the next row, is written over it.
template <class T>
CONVCORR_INLINE void copy_near(T* to, const T* from, index_t n, const T* end) {
  constexpr int width = lanes<T>;
  index_t i = 0;
  for (; i < n && from + i + width <= end; i += width) store(to + i, load(from + i));
  for (; i < n; ++i) to[i] = from[i];
}

template <class T>
CONVCORR_INLINE void copy_piece(const PanelPiece& p, T* to, const T* x, const T* end) {
  if (p.from < 0) {
    for (index_t i = 0; i < p.n; i += lanes<T>) store(to + i, vec<T>{});
  } else if (p.step == 1) {
    copy_near(to, x + p.from, p.n, end);
  } else {
    for (index_t i = 0; i < p.n; ++i) to[i] = x[p.from + i * p.step];
  }
}

template <class T>
void pack(const PanelRows& r) {
  const index_t width = r.vectors * lanes<T>;
  T* row = static_cast<T*>(r.panel);
  const T* x = static_cast<const T*>(r.x);
  for (index_t c = 0; c < r.channels; ++c, x += r.channel_stride) {
    for (index_t t = 0; t < r.taps; ++t, row += width) {
      for (index_t i = r.first_piece[t]; i < r.first_piece[t + 1]; ++i) {
        copy_piece(r.pieces[i], row + r.pieces[i].at, x, static_cast<const T*>(r.x_end));
      }
    }
  }
}

template <class T>
constexpr GemmFunctions functions = {multiply<T>, pack<T>, most_vectors, tile_rows};

}  // namespace

extern const GemmTable gemm;
const GemmTable gemm = {functions<float>, functions<double>};

}  // namespace convcorr::CONVCORR_ISA
