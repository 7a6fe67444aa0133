// Layers whose outputs each see one channel, in one of two ways (kernels/depthwise.cpp): a plane of samples slides
// under its taps, with lanes along the last axis; or lanes are channels, where they are innermost in x or planes are
// small or strided. What y looks like decides nothing, lest bits depend on it.
#pragma once

#include "plan/gemm_plan.h"

namespace convcorr {

// Why a Problem can't go this way; null where it can. `g` is its description as a product of matrices.
const char* refuse_depthwise(const GemmPlan& g);

// Chooses between the two; returns what it will take, predicted on one thread [s].
double plan_depthwise(const Problem& p, GemmPlan& g);

}  // namespace convcorr
