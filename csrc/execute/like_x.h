// Results laid out as their data are, whatever `out` looks like: there the same axes lie along registers, and the same
// sums are taken in the same order.
#pragma once

#include "problem/problem.h"

namespace convcorr {

// Whether x's pixels are a batch axis within a spatial one, channels say, and y's aren't.
bool is_unlike_x(const Problem& p);

// Gives y's axes the order that x's have in memory. Returns the bytes of the result.
index_t lay_out_like_x(Problem& p);

// Copies the outputs of p, laid out so, to where `to` has them.
void copy_outputs(const Problem& p, const char* from, const Problem& to, char* y);

}  // namespace convcorr
