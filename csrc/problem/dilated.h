// Dilated taps as taps side by side: outputs a dilation apart see samples a dilation apart.
#pragma once

#include "problem/problem.h"

namespace convcorr {

// p with each residue of a dilation as an item of a batch, on the axes where all residues are alike: x and y are whole
// multiples of the dilation there, and so is where output 0 begins.
Problem without_dilation(const Problem& p);

}  // namespace convcorr
