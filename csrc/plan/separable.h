// What axis after axis would cost, were the kernel an outer product: factors.h tells of which kernels that is so.
#pragma once

#include "problem/problem.h"

namespace convcorr {

// Why p's kernel can't be taken apart, whatever its taps; null where it can.
const char* refuse_separable(const Problem& p);

double separable_seconds(const Problem& p);  // predicted, on one thread

}  // namespace convcorr
