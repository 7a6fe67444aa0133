// The kernels of every ISA that was built, best first, and the one in use.
#pragma once

#include <span>

#include "kernels/table.h"

namespace convcorr {

std::span<const Kernels* const> built_kernels();

// The best that the CPU can run, or the one that the environment variable CONVCORR_ISA names. Chosen once; throws
// ValueError where the name is unknown or the CPU lacks it.
const Kernels& kernels();

}  // namespace convcorr
