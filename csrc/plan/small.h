// Calls so small that planning them would cost more than computing them: one short contiguous row, in one piece on the
// stack.
#pragma once

#include "problem/problem.h"

namespace convcorr {

constexpr index_t small_elements = 512;  // of the padded row, and of the kernel

bool is_small(const Problem& p);

}  // namespace convcorr
