// Rows whose elements belong to m phases in turn, and registers of one phase each.
//
//   a b c d a b c d ...   <->   a a a ...   b b b ...   c c c ...   d d d ...
#pragma once

#include "simd/vec.h"

namespace convcorr::CONVCORR_ISA {
namespace {

// Every second lane of a and b, from lane `first` on.
template <class T, int first, int... I>
CONVCORR_INLINE vec<T> every_second(vec<T> a, vec<T> b, std::integer_sequence<int, I...>) {
  return __builtin_shufflevector(a, b, (2 * I + first)...);
}
template <class T, int first>
CONVCORR_INLINE vec<T> every_second(vec<T> a, vec<T> b) {
  return every_second<T, first>(a, b, std::make_integer_sequence<int, lanes<T>>{});
}

// The lower or upper halves of a and b, lane by lane in turn.
template <class T, int from, int... I>
CONVCORR_INLINE vec<T> in_turn(vec<T> a, vec<T> b, std::integer_sequence<int, I...>) {
  return __builtin_shufflevector(a, b, (from + I / 2 + I % 2 * lanes<T>)...);
}
template <class T, bool upper>
CONVCORR_INLINE vec<T> in_turn(vec<T> a, vec<T> b) {
  return in_turn<T, upper ? lanes<T> / 2 : 0>(a, b, std::make_integer_sequence<int, lanes<T>>{});
}

// phase[s] = line[s], line[s + m], line[s + 2 m], ... for the first `count` phases.
template <class T, int m, int count>
CONVCORR_INLINE void split_phases(const T* line, vec<T>* phase) {
  const vec<T> a = load(line), b = load(line + lanes<T>);
  if constexpr (m == 2) {
    phase[0] = every_second<T, 0>(a, b);
    if (count > 1) phase[1] = every_second<T, 1>(a, b);
  } else {
    static_assert(m == 4);
    const vec<T> c = load(line + 2 * lanes<T>), d = load(line + 3 * lanes<T>);
    const vec<T> even0 = every_second<T, 0>(a, b), even1 = every_second<T, 0>(c, d);
    const vec<T> odd0 = every_second<T, 1>(a, b), odd1 = every_second<T, 1>(c, d);
    phase[0] = every_second<T, 0>(even0, even1);
    if (count > 1) phase[1] = every_second<T, 0>(odd0, odd1);
    if (count > 2) phase[2] = every_second<T, 1>(even0, even1);
    if (count > 3) phase[3] = every_second<T, 1>(odd0, odd1);
  }
}

// The inverse, of m phases.
template <class T, int m>
CONVCORR_INLINE void join_phases(const vec<T>* phase, T* line) {
  if constexpr (m == 2) {
    store(line, in_turn<T, false>(phase[0], phase[1]));
    store(line + lanes<T>, in_turn<T, true>(phase[0], phase[1]));
  } else {
    static_assert(m == 4);
    const vec<T> even0 = in_turn<T, false>(phase[0], phase[2]), even1 = in_turn<T, true>(phase[0], phase[2]);
    const vec<T> odd0 = in_turn<T, false>(phase[1], phase[3]), odd1 = in_turn<T, true>(phase[1], phase[3]);
    store(line, in_turn<T, false>(even0, odd0));
    store(line + lanes<T>, in_turn<T, true>(even0, odd0));
    store(line + 2 * lanes<T>, in_turn<T, false>(even1, odd1));
    store(line + 3 * lanes<T>, in_turn<T, true>(even1, odd1));
  }
}

// The register that follows v by one lane, of which `next` has the beginning from lane `at` on.
template <class T, int at, int... I>
CONVCORR_INLINE vec<T> one_on(vec<T> v, vec<T> next, std::integer_sequence<int, I...>) {
  return __builtin_shufflevector(v, next, (I + 1 < lanes<T> ? I + 1 : lanes<T> + at)...);
}
template <class T, int at>
CONVCORR_INLINE vec<T> one_on(vec<T> v, vec<T> next) {
  return one_on<T, at>(v, next, std::make_integer_sequence<int, lanes<T>>{});
}

template <class T, int from, int... I>
CONVCORR_INLINE void store_half(T* p, vec<T> v, std::integer_sequence<int, I...>) {
  const auto half = __builtin_shufflevector(v, v, (from + I)...);
  __builtin_memcpy(p, &half, sizeof half);
}

}  // namespace
}  // namespace convcorr::CONVCORR_ISA
