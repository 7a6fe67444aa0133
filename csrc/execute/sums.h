// The kernels for sums whose order is fixed.
#pragma once

#include "dispatch/registry.h"
#include "problem/problem.h"

namespace convcorr {

inline const SumsFunctions& sums_of(Compute c) { return c == Compute::f32 ? kernels().sums->f32 : kernels().sums->f64; }

// row[i] /= p.divisor for n real floating sums of p; integers and complex numbers are divided by nothing but 1.
inline void divide_row(Compute c, const Problem& p, void* row, index_t n) {
  if (p.divisor == 1) return;
  const bool whole = p.bound > 0 && p.bound < (c == Compute::f32 ? 0x1p22 : 0x1p50);
  (whole ? sums_of(c).divide_whole : sums_of(c).divide)(row, n, p.divisor);
}

}  // namespace convcorr
