// Correlation of one row with a kernel of any length, directly.
//
// A plain slide (broadcast w[t], load x[i+t], FMA) issues one load per FMA at every alignment; half of those straddle a
// cache line, and it stops at 60% of the FMA peak. Here the taps t, t+V, t+2V, ... (V lanes) form a *phase*: they meet
// x at the same alignment, so that one load serves all of them:
//
//   block b of the tile accumulates y[i + bV .. i + bV + V)
//   load j is x[i + t + jV ..), and feeds block b = j - q with tap t + qV, for each q
//
//        load j:   0    1    2    3   ...   B+Q-2
//        tap 0 :  b0   b1   b2   b3
//        tap V :       b0   b1   b2
//        tap 2V:            b0   b1
//
// Registers: B accumulators + Q taps + 1 load. Loads per FMA: (B + Q - 1) / (B Q) = 0.33 for B = 10, Q = 4.
// Every tile width sums an output's taps in the same order, so that its bits don't depend on where tiles begin.
// Measured shares of the FMA peak stand in csrc/README.md.
#include "kernels/table.h"
#include "simd/arith.h"
#include "simd/cover.h"

namespace convcorr::CONVCORR_ISA {
namespace {

// Adds `phases` phases of Q taps each: w[t + qV], t in [0, phases).
template <class A, int B, int Q, class T = typename A::Scalar>
CONVCORR_INLINE void add_phases(typename A::Sum (&sum)[B], const T* x, const T* w, index_t phases) {
  constexpr int V = lanes<T>;
  for (index_t t = 0; t < phases; ++t) {
    typename A::Tap tap[Q];
#pragma GCC unroll 16
    for (int q = 0; q < Q; ++q) tap[q] = A::tap(w + t * A::scalars + q * V);
#pragma GCC unroll 64
    for (int j = 0; j < B + Q - 1; ++j) {
      const vec<T> v = load_once(x + t * A::scalars + j * V);
#pragma GCC unroll 16
      for (int q = 0; q < Q; ++q) {
        const int b = j - q;
        if (b >= 0 && b < B) A::add(sum[b], tap[q], v);
      }
    }
  }
}

// The same with the number of taps per phase known only now, 0 <= q <= Q.
template <class A, int B, int Q, class T = typename A::Scalar>
CONVCORR_INLINE void add_phases_of(int q, typename A::Sum (&sum)[B], const T* x, const T* w, index_t phases) {
  if constexpr (Q > 0) {
    if (q == Q) return add_phases<A, B, Q>(sum, x, w, phases);
    add_phases_of<A, B, Q - 1>(q, sum, x, w, phases);
  }
}

// One tile of B registers. `put(b, v)` takes register b of it.
template <class A, int B, int Q, class T = typename A::Scalar, class Put>
CONVCORR_INLINE void tile(const T* x, const T* w, index_t k, Put put) {
  constexpr int S = A::scalars;
  constexpr int V = lanes<T> / S;  // elements per register
  typename A::Sum sum[B] = {};
  index_t t = 0;
  for (; t + Q * V <= k; t += Q * V) add_phases<A, B, Q>(sum, x + t * S, w + t * S, V);
  // What is left fills `whole` taps in every phase, and one more in the first `extra` phases.
  const int whole = static_cast<int>((k - t) / V);
  const index_t extra = (k - t) % V;
  add_phases_of<A, B, Q>(whole + 1, sum, x + t * S, w + t * S, extra);
  add_phases_of<A, B, Q>(whole, sum, x + (t + extra) * S, w + (t + extra) * S, V - extra);
#pragma GCC unroll 32
  for (int b = 0; b < B; ++b) put(b, A::total(sum[b]));
}

// Start reading here.
template <class A, int B, int Q>
void correlate_taps(const void* x_, const void* w_, index_t k, void* y_, index_t m) {
  using T = typename A::Scalar;
  constexpr int V = lanes<T>;
  const T* x = static_cast<const T*>(x_);
  const T* w = static_cast<const T*>(w_);
  T* y = static_cast<T*>(y_);
  m *= A::scalars;
  if (m < V) {  // narrower than one register
    return tile<A, 1, Q>(x, w, k, [=](int, vec<T> v) CONVCORR_INLINE_LAMBDA { store_first(y, v, m); });
  }
  cover<V, B>(0, m, [=]<int N>(Width<N>, index_t j) CONVCORR_INLINE_LAMBDA {
    tile<A, N, Q>(x + j, w, k, [=](int b, vec<T> v) CONVCORR_INLINE_LAMBDA { store(y + j + b * V, v); });
  });
}

// Registers: B sums + Q taps + 1 load, and 1 product where there is no FMA.
template <class A, class T = typename A::Scalar>
constexpr taps_fn real_sums = sizeof(T) == 8 && !is_float<T> ? correlate_taps<A, 4, 2>  // products take registers too
                              : register_count == 32         ? correlate_taps<A, 16, 6>
                              : !is_fused<A>                 ? correlate_taps<A, 8, 4>
                              : sizeof(T) == 4               ? correlate_taps<A, 10, 4>
                                                             : correlate_taps<A, 10, 3>;
template <class T>
constexpr taps_fn real = real_sums<Real<T>>;
template <class T>
constexpr taps_fn pair = real_sums<Pair<T>>;
template <class T>
constexpr taps_fn complex = register_count == 32    ? correlate_taps<Complex<T>, 8, 4>
                            : !is_fused<Complex<T>> ? correlate_taps<Complex<T>, 4, 2>
                                                    : correlate_taps<Complex<T>, 5, 2>;

#define CONVCORR_STRING_OF(x) #x
#define CONVCORR_STRING(x) CONVCORR_STRING_OF(x)
const char* isa_name() { return CONVCORR_STRING(CONVCORR_ISA); }

}  // namespace

extern const TapsTable taps;
const TapsTable taps = {.of = {real<unsigned short>, real<unsigned>, real<unsigned long long>, real<float>,
                               real<double>, complex<float>, complex<double>, pair<float>, pair<double>},
                        .isa = isa_name,
                        .register_bytes = register_bytes};

}  // namespace convcorr::CONVCORR_ISA
