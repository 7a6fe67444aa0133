// Short rows and small images in one piece: see plan/small.h.
#pragma once

#include "problem/problem.h"

namespace convcorr {

void run_small(const Problem& p, const Arrays& arrays);

}  // namespace convcorr
