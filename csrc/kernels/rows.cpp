// Correlation of several rows at once with a kernel of any shape: 2-D, and N-D plane by plane.
//
// A tile is R output rows by B registers. A line of input that lies under tap row i of output row 0 lies under row i-1
// of output row 1, and so on: each load serves up to R sums.
//
//   line 0 :  out0 by tap row 0
//   line 1 :  out0 by tap row 1,  out1 by tap row 0
//   line 2 :  out0 by tap row 2,  out1 by tap row 1,  out2 by tap row 0        <- all lines R-1 .. kh-1 look like this
//   ...
//   line kh:                      out1 by tap row kh-1,  out2 by tap row kh-2
//
// Registers: R B sums + R taps + 1 load. Loads and broadcasts per FMA: (R + B) / (R B) = 0.58 for 3 x 4.
// Lines are reached through pointers, so that a border row, a converted row and a row in place are all alike. Tap
// columns stand at offsets from a table: dilation, and the phases of a strided row, cost nothing. 3x3, 5x5 and 7x7 are
// unrolled in full, column by column; larger ones run row by row, which keeps to one line at a time and so minds no row
// stride. Each output's taps are summed in an order that only (kh, kw) decides: tiles may begin anywhere. Measured
// shares of the FMA peak stand in csrc/README.md.
#include "kernels/table.h"
#include "simd/arith.h"
#include "simd/cover.h"

namespace convcorr::CONVCORR_ISA {
namespace {

// Adds one line to the sums of output rows [LO, HI). `w` points to the tap row of output LO; output r's is (r - LO)
// rows before it.
template <class A, int LO, int HI, int R, int B, class T = typename A::Scalar>
CONVCORR_INLINE void add_line(typename A::Sum (&sum)[R][B], const T* line, const T* w, const RowsBlock& block) {
  constexpr int V = lanes<T>;
  const index_t kw = block.kw;
  const index_t* columns = block.columns;
  for (index_t c = 0; c < kw; ++c) {
    const T* x = line + columns[c];
    typename A::Tap tap[R];
#pragma GCC unroll 8
    for (int r = LO; r < HI; ++r) tap[r] = A::tap(w + (c - (r - LO) * kw) * A::scalars);
#pragma GCC unroll 8
    for (int b = 0; b < B; ++b) {
      const vec<T> v = load_once(x + b * V);
#pragma GCC unroll 8
      for (int r = LO; r < HI; ++r) A::add(sum[r][b], tap[r], v);
    }
  }
}

// The lines above the middle, where only the first outputs have begun: line I serves rows [0, I].
template <class A, int I, int R, int B, class T = typename A::Scalar>
CONVCORR_INLINE void add_head(typename A::Sum (&sum)[R][B], const void* const* lines, index_t j, const T* w,
                              const RowsBlock& block) {
  if constexpr (I < R - 1) {
    add_line<A, 0, I + 1>(sum, static_cast<const T*>(lines[I]) + j, w + I * block.kw * A::scalars, block);
    add_head<A, I + 1>(sum, lines, j, w, block);
  }
}

// The lines below it: line kh + I serves rows [I + 1, R).
template <class A, int I, int R, int B, class T = typename A::Scalar>
CONVCORR_INLINE void add_tail(typename A::Sum (&sum)[R][B], const void* const* lines, index_t j, const T* w,
                              const RowsBlock& block) {
  if constexpr (I < R - 1) {
    const T* last = w + (block.kh - 1) * block.kw * A::scalars;
    add_line<A, I + 1, R>(sum, static_cast<const T*>(lines[block.kh + I]) + j, last, block);
    add_tail<A, I + 1>(sum, lines, j, w, block);
  }
}

// One plane of kh x kw taps, both known only now. kh >= R - 1.
template <class A, int R, int B, class T = typename A::Scalar>
CONVCORR_INLINE void add_plane(typename A::Sum (&sum)[R][B], const void* const* lines, index_t j, const T* w,
                               const RowsBlock& block) {
  add_head<A, 0>(sum, lines, j, w, block);
  for (index_t i = R - 1; i < block.kh; ++i) {
    add_line<A, 0, R>(sum, static_cast<const T*>(lines[i]) + j, w + i * block.kw * A::scalars, block);
  }
  add_tail<A, 0>(sum, lines, j, w, block);
}

// Column `c` of a plane of KH rows, unrolled.
template <class A, int KH, int R, int B, class T = typename A::Scalar>
CONVCORR_INLINE void add_column(typename A::Sum (&sum)[R][B], const T* const (&x)[R + KH - 1], const T* w, index_t c,
                                index_t kw) {
  constexpr int V = lanes<T>;
  typename A::Tap tap[KH];
#pragma GCC unroll 16
  for (int i = 0; i < R + KH - 1; ++i) {
    if (i < KH) tap[i] = A::tap(w + (i * kw + c) * A::scalars);
#pragma GCC unroll 8
    for (int b = 0; b < B; ++b) {
      const vec<T> v = load_once(x[i] + c * A::scalars + b * V);
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r) {
        if (i - r >= 0 && i - r < KH) A::add(sum[r][b], tap[i - r], v);
      }
    }
  }
}

// One dense plane of K x K taps, unrolled.
template <class A, int K, int R, int B, class T = typename A::Scalar>
CONVCORR_INLINE void add_square(typename A::Sum (&sum)[R][B], const void* const* lines, index_t j, const T* w) {
  const T* x[R + K - 1];
#pragma GCC unroll 16
  for (int i = 0; i < R + K - 1; ++i) x[i] = static_cast<const T*>(lines[i]) + j;
#pragma GCC unroll 8
  for (int c = 0; c < K; ++c) add_column<A, K>(sum, x, w, c, K);
}

// One tile at scalar j. K is the size of a dense square kernel, 0 for any other. `put(r, b, v)` takes its registers.
template <class A, int K, int R, int B, class T = typename A::Scalar, class Put>
CONVCORR_INLINE void tile(const RowsBlock& block, index_t j, Put put) {
  typename A::Sum sum[R][B] = {};
  const T* w = static_cast<const T*>(block.taps);
  for (index_t p = 0; p < block.plane_count; ++p) {
    const void* const* lines = block.planes[p];
    if constexpr (K > 0) {
      add_square<A, K>(sum, lines, j, w);
    } else {
      add_plane<A>(sum, lines, j, w, block);
    }
    w += block.kh * block.kw * A::scalars;
  }
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 8
    for (int b = 0; b < B; ++b) put(r, b, A::total(sum[r][b]));
  }
}

template <class A, int K, int R, int B>
void correlate_block(const RowsBlock& block) {
  using T = typename A::Scalar;
  constexpr int V = lanes<T>;
  const index_t m = block.m * A::scalars;
  const auto out = [&](int r) CONVCORR_INLINE_LAMBDA { return static_cast<T*>(block.out[r]); };
  if (m < V) {  // narrower than one register
    return tile<A, K, R, 1>(block, 0, [=](int r, int, vec<T> v) CONVCORR_INLINE_LAMBDA { store_first(out(r), v, m); });
  }
  cover<V, B>(0, m, [&]<int N>(Width<N>, index_t j) CONVCORR_INLINE_LAMBDA {
    tile<A, K, R, N>(block, j, [=](int r, int b, vec<T> v) CONVCORR_INLINE_LAMBDA { store(out(r) + j + b * V, v); });
  });
}

// Start reading here. R x B is the tile; blocks of fewer rows take tiles as large as the registers allow.
template <class A, int K, int R, int B>
CONVCORR_INLINE void correlate_square(const RowsBlock& block) {
  if (block.count == R) return correlate_block<A, K, R, B>(block);
  if constexpr (R > 1) correlate_square<A, K, R - 1, B>(block);
}

template <class A>
constexpr bool unrolls_squares = is_fused<A> && sum_registers<A> == 1;

// Unrolled only for fused floats: other types rest on slower products, and without FMA the columns in flight spill.
template <class A, int R, int B, int R3 = R, int B3 = B>
void correlate_rows(const RowsBlock& block) {
  if constexpr (unrolls_squares<A>) {
    if (block.dense && block.kh == block.kw) {
      if (block.kw == 3) return correlate_square<A, 3, R, B>(block);
      if (block.kw == 5) return correlate_square<A, 5, R, B>(block);
      if (block.kw == 7) return correlate_square<A, 7, R, B>(block);
    }
  }
  correlate_square<A, 0, R, B>(block);
}

// Registers of a tile: R B sums + R taps + 1 load, and 1 product where there is no FMA.
constexpr int tile_rows(bool fused, int sums) {
  if (register_count == 32) return sums == 1 ? 6 : 3;
  return sums == 1 ? 3 : 2 - !fused;
}
constexpr int tile_registers(bool fused, int sums) {
  if (register_count == 32) return 4;
  return sums == 1 ? 3 + fused : 2 + !fused;
}
template <class A>
constexpr int R_of = tile_rows(is_fused<A>, sum_registers<A>);
template <class A>
constexpr int B_of = tile_registers(is_fused<A>, sum_registers<A>);
template <class A>
constexpr rows_fn rows_of = correlate_rows<A, R_of<A>, B_of<A>>;

}  // namespace

extern const RowsTable rows;
const RowsTable rows = {
    .of = {rows_of<Real<unsigned short>>, rows_of<Real<unsigned>>, rows_of<Real<unsigned long long>>,
           rows_of<Real<float>>, rows_of<Real<double>>, rows_of<Complex<float>>, rows_of<Complex<double>>,
           rows_of<Pair<float>>, rows_of<Pair<double>>},
    .most_rows = {R_of<Real<unsigned short>>, R_of<Real<unsigned>>, R_of<Real<unsigned long long>>, R_of<Real<float>>,
                  R_of<Real<double>>, R_of<Complex<float>>, R_of<Complex<double>>, R_of<Pair<float>>,
                  R_of<Pair<double>>},
    .unrolls_squares = {false, false, false, unrolls_squares<Real<float>>, unrolls_squares<Real<double>>, false, false,
                        unrolls_squares<Pair<float>>, unrolls_squares<Pair<double>>},
};

}  // namespace convcorr::CONVCORR_ISA
