// The direct engine: a Problem by sliding sums, tile by tile.
#pragma once

#include "execute/parallel.h"
#include "plan/direct_plan.h"

namespace convcorr {

void run_direct(const Problem& p, const DirectPlan& d, const Arrays& arrays, const Run& run);

}  // namespace convcorr
