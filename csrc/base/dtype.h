// Facts about element types.
#pragma once

#include "base/types.h"

namespace convcorr {

constexpr index_t itemsize(DType t) {
  constexpr index_t sizes[dtype_count] = {
      1, 1, 1, 2, 2, 4, 4, 8, 8, 2, 4, 8, sizeof(long double), 8, 16, 2 * sizeof(long double)};
  return sizes[static_cast<int>(t)];
}

constexpr index_t itemsize(Compute c) {
  constexpr index_t sizes[compute_count] = {2, 4, 8, 4, 8, 8, 16, 8, 16};
  return sizes[static_cast<int>(c)];
}

constexpr bool is_complex(DType t) { return t >= DType::c64; }
constexpr bool is_integer(DType t) { return t <= DType::u64; }  // bool counts
constexpr DType real_of(DType t) {                              // of its parts
  return t == DType::c64 ? DType::f32 : t == DType::c128 ? DType::f64 : t == DType::c160 ? DType::f80 : t;
}
constexpr bool is_complex(Compute c) { return c >= Compute::c64; }

constexpr bool is_pair(Compute c) { return c >= Compute::pair64; }

// The type that reads and writes the same elements and multiplies them as complex numbers, of a pair type.
constexpr Compute complex_of(Compute c) {
  return c == Compute::pair64 ? Compute::c64 : c == Compute::pair128 ? Compute::c128 : c;
}

// Scalars that one element of a compute type takes.
constexpr int scalars(Compute c) { return is_complex(c) ? 2 : 1; }

// The compute type that floating sums of type t are taken in; false for integers and long double.
constexpr bool floating_compute(DType t, Compute& c) {
  switch (t) {
    case DType::f16:
    case DType::f32:
      c = Compute::f32;
      return true;
    case DType::f64:
      c = Compute::f64;
      return true;
    case DType::c64:
      c = Compute::c64;
      return true;
    case DType::c128:
      c = Compute::c128;
      return true;
    default:
      return false;
  }
}

// Bytes that a byte-swapped array of t reverses at a time.
constexpr index_t swap_unit(DType t) { return is_complex(t) ? itemsize(t) / 2 : itemsize(t); }

}  // namespace convcorr
