// The environment variables that matter here: the only reads of them in C++.
#pragma once

namespace convcorr {

const char* forced_isa();         // CONVCORR_ISA, or null
bool environment_sets_threads();  // OMP_NUM_THREADS is there

}  // namespace convcorr
