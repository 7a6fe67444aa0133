// Discrete Fourier transforms of 2, 3, 4, 5, 8 and 16 numbers in registers, and the twiddles between passes.
//
//   forward: A[k] = sum_n a[n] e^(-2 pi i k n / R), in natural order but for R = 16     backward: the same with +i
#pragma once

#include "simd/split.h"

namespace convcorr::CONVCORR_ISA {
namespace {

template <bool forward, class T>
CONVCORR_INLINE void dft2(Split<T>& a, Split<T>& b) {
  const Split<T> d = a - b;
  a = a + b;
  b = d;
}

// a - i b forwards, a + i b backwards, and the other one.
template <bool forward, class T>
CONVCORR_INLINE void turn_apart(Split<T> a, Split<T> b, Split<T>& one, Split<T>& other) {
  const Split<T> minus = {a.re + b.im, a.im - b.re}, plus = {a.re - b.im, a.im + b.re};
  one = forward ? minus : plus;
  other = forward ? plus : minus;
}

template <bool forward, class T>
CONVCORR_INLINE void dft3(Split<T>* a) {
  const Split<T> s = a[1] + a[2], d = a[1] - a[2];
  const Split<T> m = a[0] - scaled(s, T(0.5));
  a[0] = a[0] + s;
  turn_apart<forward>(m, scaled(d, T(0.86602540378443864676L)), a[1], a[2]);
}

template <bool forward, class T>
CONVCORR_INLINE void dft5(Split<T>* a) {
  const T c1 = T(0.30901699437494742410L), c2 = T(-0.80901699437494742410L);
  const T s1 = T(0.95105651629515357212L), s2 = T(0.58778525229247312917L);
  const Split<T> p1 = a[1] + a[4], d1 = a[1] - a[4], p2 = a[2] + a[3], d2 = a[2] - a[3];
  const Split<T> m1 = a[0] + scaled(p1, c1) + scaled(p2, c2), m2 = a[0] + scaled(p1, c2) + scaled(p2, c1);
  a[0] = a[0] + p1 + p2;
  turn_apart<forward>(m1, scaled(d1, s1) + scaled(d2, s2), a[1], a[4]);
  turn_apart<forward>(m2, scaled(d1, s2) - scaled(d2, s1), a[2], a[3]);
}

template <bool forward, class T>
CONVCORR_INLINE void dft4(Split<T>& a0, Split<T>& a1, Split<T>& a2, Split<T>& a3) {
  const Split<T> s0 = a0 + a2, d0 = a0 - a2, s1 = a1 + a3, d1 = a1 - a3;
  a0 = s0 + s1;
  a2 = s0 - s1;
  const Split<T> minus = {d0.re + d1.im, d0.im - d1.re};  // d0 - i d1
  const Split<T> plus = {d0.re - d1.im, d0.im + d1.re};
  a1 = forward ? minus : plus;
  a3 = forward ? plus : minus;
}

// By 2 x 4: even outputs are the transform of a[n] + a[n + 4], odd ones that of (a[n] - a[n + 4]) e^(-2 pi i n / 8).
template <class T>
CONVCORR_INLINE void dft8_forward(Split<T>* a) {
  const T c = T(0.70710678118654752440L);
  Split<T> s0 = a[0] + a[4], d0 = a[0] - a[4], s1 = a[1] + a[5], d1 = a[1] - a[5];
  Split<T> s2 = a[2] + a[6], d2 = a[2] - a[6], s3 = a[3] + a[7], d3 = a[3] - a[7];
  const Split<T> e0 = {d0.re + d2.im, d0.im - d2.re}, e1 = {d0.re - d2.im, d0.im + d2.re};  // d0 -+ i d2
  const Split<T> p = d1 - d3, q = d1 + d3;
  const Split<T> f0 = {p.re + q.im, p.im - q.re}, f1 = {q.re + p.im, q.im - p.re};
  dft4<true>(s0, s1, s2, s3);
  a[0] = s0;
  a[2] = s1;
  a[4] = s2;
  a[6] = s3;
  a[1] = e0 + scaled(f0, c);
  a[5] = e0 - scaled(f0, c);
  a[3] = {e1.re + broadcast(c) * f1.im, e1.im - broadcast(c) * f1.re};
  a[7] = {e1.re - broadcast(c) * f1.im, e1.im + broadcast(c) * f1.re};
}

template <bool forward, class T>
CONVCORR_INLINE void dft8(Split<T>* a) {
  if constexpr (forward) return dft8_forward(a);
  for (int i = 0; i < 8; ++i) a[i] = swapped(a[i]);  // the conjugate transform; costs nothing
  dft8_forward(a);
  for (int i = 0; i < 8; ++i) a[i] = swapped(a[i]);
}

// e^(-2 pi i k / 16) for k = 0 .. 9
template <class T>
CONVCORR_INLINE Split<T> root16(int k) {
  constexpr T c[] = {T(1),  T(0.92387953251128675613L),  T(0.70710678118654752440L),  T(0.38268343236508977173L),
                     T(0),  T(-0.38268343236508977173L), T(-0.70710678118654752440L), T(-0.92387953251128675613L),
                     T(-1), T(-0.92387953251128675613L)};
  constexpr T s[] = {T(0),  T(-0.38268343236508977173L), T(-0.70710678118654752440L), T(-0.92387953251128675613L),
                     T(-1), T(-0.92387953251128675613L), T(-0.70710678118654752440L), T(-0.38268343236508977173L),
                     T(0),  T(0.38268343236508977173L)};
  return {broadcast(c[k]), broadcast(s[k])};
}

// By 4 x 4. Backwards undoes forwards step by step, so the order between them doesn't matter.
template <bool forward, class T>
CONVCORR_INLINE void dft16(Split<T>* a) {
  if constexpr (forward) {
    for (int i = 0; i < 4; ++i) {
      dft4<true>(a[i], a[i + 4], a[i + 8], a[i + 12]);
      for (int k = 1; k < 4 && i > 0; ++k) a[i + 4 * k] = a[i + 4 * k] * root16<T>(i * k);
    }
    for (int k = 0; k < 4; ++k) dft4<true>(a[4 * k], a[4 * k + 1], a[4 * k + 2], a[4 * k + 3]);
  } else {
    for (int k = 0; k < 4; ++k) dft4<false>(a[4 * k], a[4 * k + 1], a[4 * k + 2], a[4 * k + 3]);
    for (int i = 0; i < 4; ++i) {
      for (int k = 1; k < 4 && i > 0; ++k) a[i + 4 * k] = times_conj(a[i + 4 * k], root16<T>(i * k));
      dft4<false>(a[i], a[i + 4], a[i + 8], a[i + 12]);
    }
  }
}

template <int R, bool forward, class T>
CONVCORR_INLINE void dft(Split<T>* a) {
  if constexpr (R == 2) dft2<forward>(a[0], a[1]);
  if constexpr (R == 3) dft3<forward>(a);
  if constexpr (R == 4) dft4<forward>(a[0], a[1], a[2], a[3]);
  if constexpr (R == 5) dft5<forward>(a);
  if constexpr (R == 8) dft8<forward>(a);
  if constexpr (R == 16) dft16<forward>(a);
}

// w^1 .. w^(R/2) serve all: w^(R - k) of one butterfly is the conjugate of w^k up to the order that DFTs come in.
// (a[R - k] is multiplied by conj(w^k): its output has frequency -k, and the next pass is a shift away from that.)
template <int R, bool forward, class T>
CONVCORR_INLINE void twist(Split<T>* a, const Split<T>* w) {
  for (int k = 1; k <= R / 2; ++k) {
    a[k] = turned<forward>(a[k], w[k - 1]);
    if (k < R - k) a[R - k] = turned<!forward>(a[R - k], w[k - 1]);
  }
}

}  // namespace
}  // namespace convcorr::CONVCORR_ISA
