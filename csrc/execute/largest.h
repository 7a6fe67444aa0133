// The largest magnitude of some numbers.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "base/types.h"

namespace convcorr {

// Infinite or NaN where any of them is. Bits of magnitudes are in the order of the magnitudes, and whole numbers are
// what the compiler takes registers of.
template <class T>
T largest_of(const T* x, index_t n) {
  using Bits = std::conditional_t<sizeof(T) == 4, std::int32_t, std::int64_t>;
  Bits largest = 0;
  for (index_t i = 0; i < n; ++i) {
    largest = std::max(largest, static_cast<Bits>(std::bit_cast<Bits>(x[i]) & std::numeric_limits<Bits>::max()));
  }
  return std::bit_cast<T>(largest);
}

}  // namespace convcorr
