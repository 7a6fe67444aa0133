// Sums of products over registers, for real and for complex elements and for pairs, behind the same few names.
//
// A kernel is written once over an arithmetic A: A::Tap is a tap in every lane, A::Sum an accumulator, and `scalars`
// how many T one element takes in memory. Complex data stays interleaved (re im re im ...). Instead of a permute for
// every tap, the products with the tap's real and imaginary part are accumulated apart, and meet once at the end:
//
//   x              a  b      (one element a + bi)
//   sum.re += wr x wr a  wr b
//   sum.im += wi x wi a  wi b
//   total          wr a - wi b,  wr b + wi a   =   sum.re + (-1, 1) swap(sum.im)
#pragma once

#include "simd/vec.h"

namespace convcorr::CONVCORR_ISA {
namespace {

template <class T>
struct Real {
  using Scalar = T;
  using Tap = vec<T>;
  using Sum = vec<T>;
  static constexpr int scalars = 1;

  static CONVCORR_INLINE Tap tap(const T* w) { return broadcast(*w); }
  static CONVCORR_INLINE void add(Sum& sum, Tap tap, vec<T> v) { sum += tap * v; }
  static CONVCORR_INLINE vec<T> total(Sum sum) { return sum; }
};

template <class T>
struct Complex {
  using Scalar = T;
  struct Tap {
    vec<T> re, im;
  };
  struct Sum {
    vec<T> re, im;
  };
  static constexpr int scalars = 2;

  static CONVCORR_INLINE Tap tap(const T* w) { return {broadcast(w[0]), broadcast(w[1])}; }
  static CONVCORR_INLINE void add(Sum& sum, Tap tap, vec<T> v) {
    sum.re += tap.re * v;
    sum.im += tap.im * v;
  }
  static CONVCORR_INLINE vec<T> total(Sum sum) { return sum.re + alternating_signs<T>() * swap_pairs<T>(sum.im); }
};

// Complex elements one side of whose products is real, and stands there twice: parts meet parts, as in real sums.
template <class T>
struct Pair {
  using Scalar = T;
  using Tap = vec<T>;
  using Sum = vec<T>;
  static constexpr int scalars = 2;

  static CONVCORR_INLINE Tap tap(const T* w) { return broadcast_pair(w); }
  static CONVCORR_INLINE void add(Sum& sum, Tap tap, vec<T> v) { sum += tap * v; }
  static CONVCORR_INLINE vec<T> total(Sum sum) { return sum; }
};

// Registers that one accumulator of A takes.
template <class A>
constexpr int sum_registers = static_cast<int>(sizeof(typename A::Sum) / sizeof(vec<typename A::Scalar>));

template <class T>
constexpr bool is_float = T(0.5) != T(0);

// Whether a sum of A takes its product without a spare register.
template <class A>
constexpr bool is_fused = has_fma && is_float<typename A::Scalar>;

}  // namespace
}  // namespace convcorr::CONVCORR_ISA
