// What is added to every output of a channel.
#pragma once

#include "execute/parallel.h"
#include "problem/problem.h"

namespace convcorr {

// y += bias, of engines that don't add it to their sums.
void add_bias(const Problem& p, const Arrays& arrays, const Run& run);

}  // namespace convcorr
