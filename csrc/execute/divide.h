// What sums are divided by.
#pragma once

#include "base/types.h"

namespace convcorr {

// row[i] /= divisor for n real floating elements of the compute type.
void divide_row(Compute compute, void* row, index_t n, double divisor);

}  // namespace convcorr
