// Kernel taps as the direct kernels read them: [planes][row taps][lane taps] in the compute type, flipped and
// conjugated.
#pragma once

#include "execute/parallel.h"
#include "plan/direct_plan.h"

namespace convcorr {

// Packs the kernel at h. Returns whether every tap is finite.
bool pack_taps(const Problem& p, const DirectPlan& d, const char* h, void* packed, Run run);

}  // namespace convcorr
