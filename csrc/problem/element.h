// One element of any dtype, read or written with no hurry: the reference's way, and the border's fill value's.
#pragma once

#include <complex>
#include <cstdint>

#include "problem/problem.h"

namespace convcorr {

// The types that a Problem's sums are taken in, as C++ types. Integers of every width sum in 64 bits and are cut to
// their own width when written, which is the same modulo 2^bits; bool sums by `or`.
struct Or {
  bool any = false;
};

// Reads an element as a sum type: uint64_t, Or, float, double, long double, or std::complex of one of the last three.
template <class Sum>
Sum read_element(const char* p, DType type, bool swapped);

template <class Sum>
void write_element(char* p, DType type, Sum sum, Narrowing narrowing);

// Writes a fill value as an element of a compute type.
void write_fill(char* p, Compute type, Complex160 fill);

}  // namespace convcorr
