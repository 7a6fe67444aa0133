// Direct sums of many taps, in halves.
//
// Sums of K products of one sign, taken one by one, lose up to K u of the result: more than the log2(K + 1) that `auto`
// promises, and that transforms keep. Split into halves again and again down to `many_taps` (or into a few parts at
// once), and those added in pairs, they keep it.
#pragma once

#include "execute/parallel.h"
#include "problem/problem.h"

namespace convcorr {

// p directly, or by products of matrices, its taps in halves. Its outputs are of the type that sums are taken in, or
// narrower.
void sum_in_halves(const Problem& p, const Arrays& arrays, bool by_gemm, const Run& run);

}  // namespace convcorr
