// Runs a Plan.
#pragma once

#include "execute/parallel.h"
#include "plan/plan.h"

namespace convcorr {

// Computes p's outputs. Throws Interrupted where the interpreter asked to stop; the outputs are then unspecified.
void execute(const Problem& p, const Plan& plan, const Arrays& arrays, Run run);

}  // namespace convcorr
