// Sums that lose their fraction, taken fast: those so near to a whole number that a rounding could have carried them
// over it are taken again, in double and in SciPy's order.
#pragma once

#include "execute/tap_list.h"

namespace convcorr {

// Settles m sums of d's compute type, those of output row `row` of a block: see TapList::sum_row.
void settle_row(const DirectPlan& d, const TapList& list, const void* const* const* planes, int row,
                const index_t* columns, const void** pointers, void* sums, index_t m);

}  // namespace convcorr
