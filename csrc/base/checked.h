// 64-bit arithmetic on sizes that says when it would overflow.
#pragma once

#include <string>

#include "base/error.h"
#include "base/types.h"

namespace convcorr {

inline index_t checked_mul(index_t a, index_t b, const char* what = "a size") {
  index_t product;
  if (__builtin_mul_overflow(a, b, &product)) throw MemoryError(std::string(what) + " overflows 64 bits");
  return product;
}

inline index_t checked_add(index_t a, index_t b, const char* what = "a size") {
  index_t sum;
  if (__builtin_add_overflow(a, b, &sum)) throw MemoryError(std::string(what) + " overflows 64 bits");
  return sum;
}

inline index_t ceil_div(index_t a, index_t b) { return a / b + (a % b != 0); }

}  // namespace convcorr
