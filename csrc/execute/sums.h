// The kernels for sums whose order is fixed.
#pragma once

#include "dispatch/registry.h"

namespace convcorr {

inline const SumsFunctions& sums_of(Compute c) { return c == Compute::f32 ? kernels().sums->f32 : kernels().sums->f64; }

// row[i] /= divisor for n real floating elements; integers and complex numbers are divided by nothing but 1.
inline void divide_row(Compute c, void* row, index_t n, double divisor) {
  if (divisor != 1) sums_of(c).divide(row, n, divisor);
}

}  // namespace convcorr
