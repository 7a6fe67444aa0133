// Layers whose outputs each see one channel: see plan/depthwise_plan.h.
#pragma once

#include "execute/parallel.h"
#include "plan/gemm_plan.h"

namespace convcorr {

void run_depthwise(const Problem& p, const GemmPlan& g, const Arrays& arrays, const Run& run);

}  // namespace convcorr
