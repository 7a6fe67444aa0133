// The few names that every floor of the house speaks. Freestanding, and types only: kernels include it, and a function
// here would be a weak symbol shared between objects of different ISAs.
#pragma once

#include <cstddef>

namespace convcorr {

using index_t = std::ptrdiff_t;  // sizes, strides and offsets: in elements unless a name says bytes

// What an array holds.
enum class DType : unsigned char {
  boolean,
  i8,
  u8,
  i16,
  u16,
  i32,
  u32,
  i64,
  u64,
  f16,
  f32,
  f64,
  f80,  // C's long double, whatever its width
  c64,
  c128,
  c160,  // complex long double
};
constexpr int dtype_count = 16;

// What a kernel computes in. Integers are taken modulo 2^bits, so that one unsigned type serves both signs.
// pair64 and pair128 are complex numbers laid out as in c64 and c128, multiplied part by part: (a, b)(c, d) = (ac, bd).
// With the real factor taken twice, (w, w), that is a complex number times a real one, for half the products.
enum class Compute : unsigned char { u16, u32, u64, f32, f64, c64, c128, pair64, pair128 };
constexpr int compute_count = 9;

// How a signal goes on beyond its ends, named as numpy.pad names it:
//   constant k k k|a b c d|k k k   edge a a a|a b c d|d d d   symmetric c b a|a b c d|d c b
//   reflect  d c b|a b c d|c b a   wrap b c d|a b c d|a b c
enum class Border : unsigned char { constant, edge, symmetric, reflect, wrap };

}  // namespace convcorr
