// Complex numbers in two registers: real parts in one, imaginary parts in the other. A product is four multiply-adds
// and no shuffle.
#pragma once

#include "simd/vec.h"

namespace convcorr::CONVCORR_ISA {
namespace {

template <class T>
struct Split {
  vec<T> re, im;
};

template <class T>
CONVCORR_INLINE Split<T> operator+(Split<T> a, Split<T> b) {
  return {a.re + b.re, a.im + b.im};
}
template <class T>
CONVCORR_INLINE Split<T> operator-(Split<T> a, Split<T> b) {
  return {a.re - b.re, a.im - b.im};
}
template <class T>
CONVCORR_INLINE Split<T> operator*(Split<T> a, Split<T> w) {
  return {a.re * w.re - a.im * w.im, a.re * w.im + a.im * w.re};
}
// a conj(w)
template <class T>
CONVCORR_INLINE Split<T> times_conj(Split<T> a, Split<T> w) {
  return {a.re * w.re + a.im * w.im, a.im * w.re - a.re * w.im};
}
template <class T>
CONVCORR_INLINE Split<T> scaled(Split<T> a, T s) {
  return {a.re * broadcast(s), a.im * broadcast(s)};
}
// i a and -i a
template <class T>
CONVCORR_INLINE Split<T> times_i(Split<T> a) {
  return {-a.im, a.re};
}
template <class T>
CONVCORR_INLINE Split<T> swapped(Split<T> a) {
  return {a.im, a.re};
}

// Twiddles forwards, their conjugates backwards.
template <bool forward, class T>
CONVCORR_INLINE Split<T> turned(Split<T> a, Split<T> w) {
  if constexpr (forward) return a * w;
  return times_conj(a, w);
}

template <class T, int... I>
CONVCORR_INLINE Split<T> split_pairs(vec<T> low, vec<T> high, std::integer_sequence<int, I...>) {
  return {__builtin_shufflevector(low, high, (2 * I)...), __builtin_shufflevector(low, high, (2 * I + 1)...)};
}

// lanes interleaved complex numbers, apart.
template <class T>
CONVCORR_INLINE Split<T> load_pairs(const T* p) {
  return split_pairs<T>(load(p), load(p + lanes<T>), std::make_integer_sequence<int, lanes<T>>{});
}

template <class T, int first, int... I>
CONVCORR_INLINE vec<T> join_half(Split<T> a, std::integer_sequence<int, I...>) {
  return __builtin_shufflevector(a.re, a.im, (first + I / 2 + (I % 2 ? lanes<T> : 0))...);
}

template <class T>
CONVCORR_INLINE void store_pairs(T* p, Split<T> a) {
  constexpr auto all = std::make_integer_sequence<int, lanes<T>>{};
  store(p, join_half<T, 0>(a, all));
  store(p + lanes<T>, join_half<T, lanes<T> / 2>(a, all));
}

}  // namespace
}  // namespace convcorr::CONVCORR_ISA
