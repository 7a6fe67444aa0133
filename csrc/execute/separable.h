// A kernel that is an outer product, axis after axis.
#pragma once

#include "execute/parallel.h"
#include "problem/factors.h"

namespace convcorr {

// p's kernel is the product of `factors`; arrays.h isn't read. The last two axes are filtered at once where they can
// be, those before slab by slab, so that no array of the data's size lies between two of them.
void run_separable(const Problem& p, const Factors& factors, const Arrays& arrays, const Run& run);

}  // namespace convcorr
