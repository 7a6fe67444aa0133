// The transforms of Winograd's convolution, F(m, r): m outputs of r taps by n = m + r - 1 products.
//
// Polynomials are multiplied by their values at n points (Toom and Cook), and that is read backwards:
//
//   y = A [ (G h) * (B x) ]      x: n samples, h: r taps, y: m outputs
//
//   A[i][j] = a_j^i                       G[j][k] = a_j^k / N_j, N_j = product of a_j - a_l over the other points
//   B[j] = the coefficients of the product of (z - a_l) over the other points; for infinity, over all of them
//
// The points are 0, pairs +a and -a, and infinity, in this order. Both rows of a pair share an even and an odd part, so
// that they cost little more than one; everything follows from the squares of the a, which are exact. The points lie
// near 1 in magnitude, since each power of one multiplies a rounding. F(1, 1) has the one point 0: all stays as it is.
#pragma once

#include "simd/vec.h"

namespace convcorr::CONVCORR_ISA {
namespace {

struct PointPair {
  double square, root;
};
constexpr double root_of_two = 1.4142135623730950488;

template <int n>
struct Points;
template <>
struct Points<1> {
  static constexpr PointPair pair[] = {{}};  // none
};
template <>
struct Points<4> {
  static constexpr PointPair pair[] = {{1, 1}};
};
template <>
struct Points<6> {
  static constexpr PointPair pair[] = {{0.5, root_of_two / 2}, {2, root_of_two}};
};
template <int n>
constexpr int pair_count = (n - 2) / 2;

constexpr double power(PointPair p, int exponent) {
  double value = exponent % 2 ? p.root : 1;
  for (int i = 0; i < exponent / 2; ++i) value *= p.square;
  return value;
}

// Coefficient k of the product of (s - square) over all pairs but `skipped`, a polynomial in s.
template <int n>
constexpr double square_product(int skipped, int k) {
  double c[pair_count<n> + 1] = {1};
  int degree = 0;
  for (int p = 0; p < pair_count<n>; ++p) {
    if (p == skipped) continue;
    ++degree;
    for (int i = degree; i >= 0; --i)
      c[i] = (i > 0 ? c[i - 1] : 0) - (i < degree ? Points<n>::pair[p].square * c[i] : 0);
  }
  return c[k];
}

// N of a pair's points; of the point 0 for pair -1.
template <int n>
constexpr double norm(int pair) {
  const double at = pair < 0 ? 0 : Points<n>::pair[pair].square;
  double value = pair < 0 ? 1 : 2 * at;
  for (int p = 0; p < pair_count<n>; ++p) {
    if (p != pair) value *= at - Points<n>::pair[p].square;
  }
  return value;
}

// The sum of coefficient k of square_product times x[2 k], whose highest coefficient is 1.
template <class T, int n, int skipped>
CONVCORR_INLINE vec<T> sum_of_squares(const vec<T>* x) {
  constexpr int degree = pair_count<n> - (skipped >= 0);
  vec<T> sum = x[2 * degree];
  [&]<int... k>(std::integer_sequence<int, k...>) CONVCORR_INLINE_LAMBDA {
    ((sum += T(square_product<n>(skipped, k)) * x[2 * k]), ...);
  }(std::make_integer_sequence<int, degree>{});
  return sum;
}

template <class T, int n, int p>
CONVCORR_INLINE void sample_pair(const vec<T>* x, vec<T>* v) {
  const vec<T> even = sum_of_squares<T, n, p>(x + 2), odd = sum_of_squares<T, n, p>(x + 1);
  v[2 * p + 1] = even + T(Points<n>::pair[p].root) * odd;
  v[2 * p + 2] = even - T(Points<n>::pair[p].root) * odd;
}

// v = B x, of n samples.
template <class T, int n>
CONVCORR_INLINE void sample_points(const vec<T>* x, vec<T>* v) {
  v[0] = sum_of_squares<T, n, -1>(x);
  [&]<int... p>(std::integer_sequence<int, p...>)
      CONVCORR_INLINE_LAMBDA { (sample_pair<T, n, p>(x, v), ...); }(std::make_integer_sequence<int, pair_count<n>>{});
  if constexpr (n > 1) v[n - 1] = sum_of_squares<T, n, -1>(x + 1);
}

// u = G h, of r taps `step` apart.
template <class T, int n, int r>
CONVCORR_INLINE void tap_points(const vec<T>* h, vec<T>* u) {
  u[0] = h[0] * T(1 / norm<n>(-1));
#pragma GCC unroll 4
  for (int p = 0; p < pair_count<n>; ++p) {
    vec<T> even = h[0] * T(1 / norm<n>(p)), odd = h[1] * T(Points<n>::pair[p].root / norm<n>(p));
#pragma GCC unroll 8
    for (int k = 2; k < r; ++k) (k % 2 ? odd : even) += h[k] * T(power(Points<n>::pair[p], k) / norm<n>(p));
    u[2 * p + 1] = even + odd;
    u[2 * p + 2] = even - odd;
  }
  if constexpr (n > 1) u[n - 1] = h[r - 1];
}

// y = A s, m outputs.
template <class T, int n, int m>
CONVCORR_INLINE void output_points(const vec<T>* s, vec<T>* y) {
  vec<T> even[n], odd[n];
#pragma GCC unroll 4
  for (int p = 0; p < pair_count<n>; ++p) {
    even[p] = s[2 * p + 1] + s[2 * p + 2];
    odd[p] = s[2 * p + 1] - s[2 * p + 2];
  }
#pragma GCC unroll 8
  for (int i = 0; i < m; ++i) {
    const vec<T>* const part = i % 2 ? odd : even;
    vec<T> sum = i == 0 ? s[0] : i == m - 1 ? s[n - 1] : vec<T>{};
#pragma GCC unroll 4
    for (int p = 0; p < pair_count<n>; ++p) sum += part[p] * T(power(Points<n>::pair[p], i));
    y[i] = sum;
  }
}

}  // namespace
}  // namespace convcorr::CONVCORR_ISA
