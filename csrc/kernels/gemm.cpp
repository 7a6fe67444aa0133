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
#include "kernels/gemm_copies.h"
#include "kernels/gemm_table.h"
#include "simd/transpose.h"
#include "simd/vec.h"

namespace convcorr::CONVCORR_ISA {
namespace {

constexpr int most_vectors = register_count == 32 ? 3 : has_fma ? 3 : 2;
constexpr int tile_rows = register_count == 32 ? 8 : 4;

// How rows of a lie: in tiles of [k][tile_rows], `a_row` apart, or each somewhere; placed ones anywhere, and their
// numbers where a table says.
enum class Rows { tiled, strided, anywhere, placed };

// R of them. There are registers for few pointers only, and one that comes back from a vector register takes a
// multiply-adder's place: rows that are strided share one between four.
template <class T, int R, Rows rows>
class Factors {
 public:
  CONVCORR_INLINE Factors(const GemmPanel& p, index_t row) {
    const T* const a = static_cast<const T*>(p.a);
    step_ = p.a_row * size;
    three_ = 3 * step_;
#pragma GCC unroll 16
    for (int i = 0; i < pointers; ++i) {
      const index_t first = row + i * rows_to_a_pointer;
      const index_t offset = rows == Rows::tiled     ? first / tile_rows * p.a_tile + first % tile_rows
                             : rows == Rows::strided ? first * p.a_row
                                                     : p.a_offsets[first];
      at_[i] = reinterpret_cast<const char*>(a + offset);
    }
  }

  // Number k of row r, each k in its turn.
  CONVCORR_INLINE vec<T> of_row(int r) const {
    const int below = r % rows_to_a_pointer;
    const index_t strided = below == 0 ? 0 : below == 1 ? step_ : below == 2 ? 2 * step_ : three_;
    const index_t down = rows == Rows::strided ? strided : (rows == Rows::tiled ? below : place_) * size;
    return broadcast(*reinterpret_cast<const T*>(at_[r / rows_to_a_pointer] + down));
  }

  CONVCORR_INLINE void begin(const GemmPanel& p, index_t k) { place_ = rows == Rows::placed ? p.a_places[k] : k; }
  CONVCORR_INLINE void end() {
    if (rows == Rows::anywhere || rows == Rows::placed) return;
#pragma GCC unroll 16
    for (int i = 0; i < pointers; ++i) at_[i] += (rows == Rows::tiled ? tile_rows : 1) * size;
  }

 private:
  static constexpr int rows_to_a_pointer = rows == Rows::tiled ? tile_rows : rows == Rows::strided ? 4 : 1;
  static constexpr int pointers = (R + rows_to_a_pointer - 1) / rows_to_a_pointer;
  static constexpr index_t size = sizeof(T);
  const char* at_[pointers];
  index_t step_, three_, place_;
};
// Without a table, register r begins with the bias of its row; with one, register v with that of its columns.
template <class T, Rows at, int R, int V>
CONVCORR_INLINE void begin_sums(const GemmPanel& p, index_t row, vec<T> (&sum)[R][V]) {
  constexpr bool places = at == Rows::placed;
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
  if (p.adds) {  // all before the first store: rows 4096 bytes apart would wait for the one before
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
#pragma GCC unroll 4
      for (int v = 0; v < V; ++v) sum[r][v] += load(c + r * p.c_row + v * width);
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) {
    vec<T> of_row = {};  // a chain over all of them would take longer than their products
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) {
      of_row += sum[r][v] * T(0);
      store(c + r * p.c_row + v * width, sum[r][v]);
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

template <class T, int R, int V, Rows at>
vec<T> multiply_tile(const GemmPanel& p, index_t row) {
  constexpr int width = lanes<T>;
  vec<T> sum[R][V];
  begin_sums<T, at>(p, row, sum);
  Factors<T, R, at> factors(p, row);
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
  for (index_t k = 0; k < p.depth; ++k) {
    const T* const samples = panel + offsets[k];
    factors.begin(p, k);
    vec<T> column[V];
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) column[v] = load_once(samples + v * width);
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
      vec<T> factor = factors.of_row(r);
      if (V > 1) factor = pinned<T>(factor);
#pragma GCC unroll 4
      for (int v = 0; v < V; ++v) sum[r][v] += factor * column[v];
    }
    factors.end();
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

template <class T, int V, Rows at>
bool multiply_rows(const GemmPanel& p) {
  index_t row = 0;
  vec<T> not_finite = {};
  if constexpr (V == 1 && at != Rows::placed) {  // 16 rows apart need a pointer each
    for (; row + 2 * tile_rows <= p.rows; row += 2 * tile_rows)
      not_finite += multiply_tile<T, 2 * tile_rows, V, at>(p, row);
  }
  for (; row + tile_rows <= p.rows; row += tile_rows) {
    not_finite += multiply_tile<T, tile_rows, V, at>(p, row);
  }
  if constexpr (tile_rows > 4) {
    for (; row + 4 <= p.rows; row += 4) not_finite += multiply_tile<T, 4, V, at>(p, row);
  }
  for (; row + 2 <= p.rows; row += 2) not_finite += multiply_tile<T, 2, V, at>(p, row);
  if (row < p.rows) not_finite += multiply_tile<T, 1, V, at>(p, row);
  T zero = 0;
  for (int i = 0; i < lanes<T>; ++i) zero += not_finite[i];
  return zero == T(0);
}

template <class T, int V>
bool multiply_vectors(const GemmPanel& p) {
  if (p.a_places) return multiply_rows<T, V, Rows::placed>(p);
  if (p.a_offsets) return multiply_rows<T, V, Rows::anywhere>(p);
  return p.a_row == 0 ? multiply_rows<T, V, Rows::tiled>(p) : multiply_rows<T, V, Rows::strided>(p);
}

template <class T>
bool multiply(const GemmPanel& p) {
  if constexpr (most_vectors >= 3) {
    if (p.vectors == 3) return multiply_vectors<T, 3>(p);
  }
  return p.vectors == 2 ? multiply_vectors<T, 2>(p) : multiply_vectors<T, 1>(p);
}

// The last `n` lanes of a register; the others are zero.
template <class T>
class LastLanes {
 public:
  explicit LastLanes(index_t n) {
    for (int i = 0; i < lanes<T>; ++i) mask_[i] = i >= lanes<T> - n ? -1 : 0;
  }
  CONVCORR_INLINE vec<T> of(vec<T> v) const { return reinterpret_cast<vec<T>>(reinterpret_cast<Bits>(v) & mask_); }

 private:
  using Bits = decltype(vec<T>{} < vec<T>{});  // integers of the same size
  Bits mask_;
};

template <class T, int R, int J>
void dot_rows(const GemmDots& d, index_t row) {
  constexpr int width = lanes<T>;
  const T* const a = static_cast<const T*>(d.a) + row * d.a_row;
  const T* const columns = static_cast<const T*>(d.columns);
  T* const sums = static_cast<T*>(d.sums) + row * d.count * width;
  vec<T> sum[R][J];
#pragma GCC unroll 4
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 4
    for (int j = 0; j < J; ++j) sum[r][j] = d.adds ? load(sums + (r * J + j) * width) : vec<T>{};
  }
  const index_t whole = d.depth / width * width;
  for (index_t k = 0; k < whole; k += width) {
#pragma GCC unroll 4
    for (int r = 0; r < R; ++r) {
      const vec<T> factors = load(a + r * d.a_row + k);
#pragma GCC unroll 4
      for (int j = 0; j < J; ++j) sum[r][j] += factors * load(columns + j * d.column_row + k);
    }
  }
  if (whole < d.depth) {
    const LastLanes<T> last(d.depth - whole);
    const index_t k = d.depth - width;
#pragma GCC unroll 4
    for (int r = 0; r < R; ++r) {
      const vec<T> factors = last.of(load(a + r * d.a_row + k));
#pragma GCC unroll 4
      for (int j = 0; j < J; ++j) sum[r][j] += factors * last.of(load(columns + j * d.column_row + k));
    }
  }
#pragma GCC unroll 4
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 4
    for (int j = 0; j < J; ++j) store(sums + (r * J + j) * width, sum[r][j]);
  }
}

template <class T, int J>
void dot_columns(const GemmDots& d) {
  index_t row = 0;
  for (; row + 4 <= d.rows; row += 4) dot_rows<T, 4, J>(d, row);
  for (; row < d.rows; ++row) dot_rows<T, 1, J>(d, row);
}

template <class T>
void dot(const GemmDots& d) {
  if (d.count == 1) return dot_columns<T, 1>(d);
  if (d.count == 2) return dot_columns<T, 2>(d);
  d.count == 3 ? dot_columns<T, 3>(d) : dot_columns<T, 4>(d);
}

template <class T>
bool add_lanes(const void* sums, index_t rows, index_t count, const void* bias, void* c, index_t c_row) {
  const T* from = static_cast<const T*>(sums);
  T zero = 0;
  for (index_t r = 0; r < rows; ++r) {
    for (index_t j = 0; j < count; ++j, from += lanes<T>) {
      T part[4] = {};
      for (int i = 0; i < lanes<T>; ++i) part[i % 4] += from[i];
      const T sum = ((part[0] + part[1]) + (part[2] + part[3])) + (bias ? static_cast<const T*>(bias)[r] : T(0));
      zero += sum * T(0);
      static_cast<T*>(c)[r * c_row + j] = sum;
    }
  }
  return zero == T(0);
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
constexpr GemmFunctions functions = {multiply<T>, dot<T>,  add_lanes<T>, pack<T>,
                                     pad<T>,      turn<T>, most_vectors, tile_rows};

}  // namespace

extern const GemmTable gemm;
const GemmTable gemm = {functions<float>, functions<double>};

}  // namespace convcorr::CONVCORR_ISA
