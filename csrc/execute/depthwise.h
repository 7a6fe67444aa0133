// Layers whose outputs each see one channel: see plan/depthwise_plan.h.
#pragma once

#include "execute/parallel.h"
#include "plan/gemm_plan.h"

namespace convcorr {

void run_depthwise(const Problem& p, const GemmPlan& g, const Arrays& arrays, const Run& run);

// Where `by_channels` says so. `bias` is in the compute type, or null. False where some weights are not finite: zeros
// of the border have met them.
bool run_depthwise_by_channels(const Problem& p, const GemmPlan& g, const Arrays& arrays, const char* bias,
                               const Run& run);

}  // namespace convcorr
