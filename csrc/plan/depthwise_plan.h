// Layers whose outputs each see one channel: a plane of samples slides under the taps (kernels/depthwise.cpp).
#pragma once

#include "plan/gemm_plan.h"

namespace convcorr {

// Why a Problem can't go this way; null where it can. `g` is its description as a product of matrices.
const char* refuse_depthwise(const GemmPlan& g);

double depthwise_seconds(const GemmPlan& g);  // predicted, on one thread

}  // namespace convcorr
