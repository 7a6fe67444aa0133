// A part of a Problem's outputs, as a Problem of its own.
#pragma once

#include "problem/problem.h"

namespace convcorr {

// Keeps outputs [first, first + count) of a spatial axis. Taps that meet nothing but a zero border are left out.
void keep_outputs(Problem& p, Arrays& arrays, int axis, index_t first, index_t count);

}  // namespace convcorr
