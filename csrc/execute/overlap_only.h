// An infinite or NaN tap must not meet the zeros of a constant border: 0 * Inf is NaN, but a sum over the overlap alone
// has no such term. The outputs near the border are computed again by the reference, which skips what lies outside x.
#pragma once

#include "execute/parallel.h"
#include "problem/problem.h"

namespace convcorr {

void sum_overlap_only(const Problem& p, const Arrays& arrays, Run run);

}  // namespace convcorr
