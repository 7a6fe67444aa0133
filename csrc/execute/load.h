// Elements of an array, of any dtype and byte order, as a row of the compute type.
#pragma once

#include "problem/problem.h"

namespace convcorr {

// n elements from src on, `stride` bytes apart. The types must be a pair that ConvertTable loads.
void load_elements(DType type, bool swapped, Compute compute, const char* src, index_t stride, index_t n, char* dst);

}  // namespace convcorr
