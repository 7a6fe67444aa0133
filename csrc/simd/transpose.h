// Transposes a square of registers: lane j of register i goes to lane i of register j.
//
// First within the 128-bit parts, by the unpack instructions, then the parts themselves:
//   a0 a1 | ...     a0 b0 | ...         parts    A0 A1      A0 B0
//   b0 b1 | ...  -> a1 b1 | ...                  B0 B1  ->  A1 B1
#pragma once

#include "simd/vec.h"

namespace convcorr::CONVCORR_ISA {
namespace {

template <class T>
constexpr int part = 16 / static_cast<int>(sizeof(T));  // lanes of 128 bits

// Units of `unit` lanes alternate: a's and b's low halves of each part, or their high ones.
constexpr int unpacked(int lane, int lanes_in_part, int unit, int high, int count) {
  const int base = lane / lanes_in_part * lanes_in_part, inside = lane % lanes_in_part;
  const int u = inside / unit;
  const int from = base + high * lanes_in_part / 2 + u / 2 * unit + inside % unit;
  return u % 2 ? count + from : from;
}
template <class T, int unit, int high, int... I>
CONVCORR_INLINE vec<T> unpack(vec<T> a, vec<T> b, std::integer_sequence<int, I...>) {
  return __builtin_shufflevector(a, b, unpacked(I, part<T>, unit, high, lanes<T>)...);
}
template <class T, int unit>
CONVCORR_INLINE void unpack_pair(vec<T>& a, vec<T>& b) {
  constexpr auto all = std::make_integer_sequence<int, lanes<T>>{};
  const vec<T> low = unpack<T, unit, 0>(a, b, all), high = unpack<T, unit, 1>(a, b, all);
  a = low;
  b = high;
}

// Parts whose number has bit s go from a to the same part minus s, and from b the other way.
constexpr int exchanged(int lane, int lanes_in_part, int s, bool upper, int count) {
  const int number = lane / lanes_in_part;
  if (upper) return number & s ? count + lane : lane + s * lanes_in_part;
  return number & s ? count + lane - s * lanes_in_part : lane;
}
template <class T, int s, bool upper, int... I>
CONVCORR_INLINE vec<T> exchange(vec<T> a, vec<T> b, std::integer_sequence<int, I...>) {
  return __builtin_shufflevector(a, b, exchanged(I, part<T>, s, upper, lanes<T>)...);
}
template <class T, int s>
CONVCORR_INLINE void exchange_parts(vec<T>& a, vec<T>& b) {
  constexpr auto all = std::make_integer_sequence<int, lanes<T>>{};
  const vec<T> low = exchange<T, s, false>(a, b, all), high = exchange<T, s, true>(a, b, all);
  a = low;
  b = high;
}

template <class T>
CONVCORR_INLINE void transpose_in_parts(vec<T>* a) {
  if constexpr (part<T> == 2) {
    unpack_pair<T, 1>(a[0], a[1]);
  } else {
    unpack_pair<T, 1>(a[0], a[1]);  // a: 00 10 01 11   b: 02 12 03 13
    unpack_pair<T, 1>(a[2], a[3]);
    unpack_pair<T, 2>(a[0], a[2]);  // 00 10 20 30, 01 11 21 31
    unpack_pair<T, 2>(a[1], a[3]);  // 02 .., 03 ..
    const vec<T> second = a[2];
    a[2] = a[1];
    a[1] = second;
  }
}

template <class T, int s>
CONVCORR_INLINE void transpose_parts(vec<T>* a) {
  if constexpr (s < lanes<T> / part<T>) {
    for (int i = 0; i < lanes<T>; ++i) {
      if (!(i / part<T> & s)) exchange_parts<T, s>(a[i], a[i + s * part<T>]);
    }
    transpose_parts<T, 2 * s>(a);
  }
}

// a[0 .. lanes)
template <class T>
CONVCORR_INLINE void transpose(vec<T>* a) {
  for (int i = 0; i < lanes<T>; i += part<T>) transpose_in_parts<T>(a + i);
  transpose_parts<T, 1>(a);
}

}  // namespace
}  // namespace convcorr::CONVCORR_ISA
