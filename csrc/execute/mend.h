// What sums of pairs leave out where x is complex and the taps are real.
//
// A real tap w counts as w + 0i: a sample with one part that is infinite or NaN makes NaN of both parts of the product,
// since 0 Inf is NaN. Parts that are multiplied apart don't see each other. But the sample's own part shows in every
// output that reads it, so that these are easily found, and taken from complex sums over the same lines.
#pragma once

#include "kernels/table.h"

namespace convcorr {

// block.out holds sums of the pair type `pairs`, of x read as it is: what isn't finite among them becomes what complex
// products sum up to.
void mend_rows(Compute pairs, const RowsBlock& block);

}  // namespace convcorr
