// Two filters at once: see plan/fused_plan.h.
#pragma once

#include "execute/parallel.h"
#include "plan/fused_plan.h"

namespace convcorr {

// False, and nothing done, where a tap is infinite or NaN: what that makes of a border is for two Problems to say.
bool run_fused(const FusedPlan& plan, const char* x, char* y, const Run& run);

}  // namespace convcorr
