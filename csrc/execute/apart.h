// Sums kept apart from the result, in the type that they are taken in, until the last of them is known.
#pragma once

#include "problem/problem.h"

namespace convcorr {

// Makes p's outputs contiguous elements of its own sum type; returns their bytes.
index_t lay_out_sums(Problem& p);

// Stores such sums as p's outputs.
void store_sums(const Problem& p, const char* sums, char* y);

}  // namespace convcorr
