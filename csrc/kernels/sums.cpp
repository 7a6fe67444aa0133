// Rows of sums in a fixed order, each product and each sum rounded: the bits of plain C loops over doubles, whatever
// the ISA. This source is compiled without contraction of a * b + c.
//
//   lines[t]   .. x x x x x x x x ..      a pointer per tap, so that zero taps can be left out, and any axis serves
//   sums          B registers             each term: B loads (2 B of pairs), one broadcast, B products, B sums
//
// B sums + 1 tap + 1 sample + 1 product fill the registers; the loads, from L1, are what it waits for.
#include "kernels/table.h"
#include "simd/arith.h"
#include "simd/cover.h"

namespace convcorr::CONVCORR_ISA {
namespace {

template <class T>
struct List {
  const T* const* lines;
  const T* taps;
  index_t count;
};

// The samples of term t at scalar j.
template <class T, Terms terms>
CONVCORR_INLINE vec<T> samples(const List<T>& list, index_t t, index_t j) {
  if constexpr (terms == Terms::single) {
    return load(list.lines[t] + j);
  } else {
    const vec<T> before = load(list.lines[2 * t - 1] + j), after = load(list.lines[2 * t] + j);
    return terms == Terms::sums ? before + after : before - after;
  }
}

template <class T, Terms terms, int B, class Put>
CONVCORR_INLINE void tile(const List<T>& list, index_t j, Put put) {
  constexpr int V = lanes<T>;
  vec<T> sum[B];
  const vec<T> first = broadcast(list.taps[0]);
#pragma GCC unroll 16
  for (int b = 0; b < B; ++b) sum[b] = load(list.lines[0] + j + b * V) * first;
  for (index_t t = 1; t < list.count; ++t) {
    const vec<T> tap = broadcast(list.taps[t]);
#pragma GCC unroll 16
    for (int b = 0; b < B; ++b) sum[b] += samples<T, terms>(list, t, j + b * V) * tap;
  }
#pragma GCC unroll 16
  for (int b = 0; b < B; ++b) put(b, sum[b]);
}

template <class T, Terms terms>
CONVCORR_INLINE void sum_row(const List<T>& list, T* y, index_t m) {
  constexpr int V = lanes<T>;
  if (m < V) {
    return tile<T, terms, 1>(list, 0, [=](int, vec<T> v) CONVCORR_INLINE_LAMBDA { store_first(y, v, m); });
  }
  cover<V, 8>(0, m, [&]<int N>(Width<N>, index_t j) CONVCORR_INLINE_LAMBDA {
    tile<T, terms, N>(list, j, [=](int b, vec<T> v) CONVCORR_INLINE_LAMBDA { store(y + j + b * V, v); });
  });
}

// Start reading here.
template <class T>
void sum_lines(const void* const* lines, const void* taps, index_t count, Terms terms, void* y_, index_t m) {
  const List<T> list = {reinterpret_cast<const T* const*>(lines), static_cast<const T*>(taps), count};
  T* y = static_cast<T*>(y_);
  switch (terms) {
    case Terms::single:
      return sum_row<T, Terms::single>(list, y, m);
    case Terms::sums:
      return sum_row<T, Terms::sums>(list, y, m);
    case Terms::differences:
      return sum_row<T, Terms::differences>(list, y, m);
  }
}

}  // namespace

extern const SumsTable sums;
const SumsTable sums = {.f32 = sum_lines<float>, .f64 = sum_lines<double>};

}  // namespace convcorr::CONVCORR_ISA
