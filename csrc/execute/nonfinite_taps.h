// Taps that are infinite or NaN, of any direct or FFT Problem: apart from all others.
//
//   The others are summed as ever, with these replaced by zeros.
//   Every output that one of these meets a sample for is NaN or infinite, and which of them signs decide:
//     met     = sum of 1 * [tap isn't finite]          over the samples that the output reads
//     balance = sum of sign(x) * sign(infinite tap)    0 where either has none
//     an output with met > |balance| has met a zero, a NaN, or infinities of both signs: it is NaN
//
// Both sums are Problems with the geometry of the first, and small whole numbers, exact in double precision even where
// a transform makes them. A zero beyond a constant border is no sample: no tap meets it.
#pragma once

#include <functional>

#include "execute/parallel.h"
#include "problem/problem.h"

namespace convcorr {

// Whether taps meet the zeros of a constant border, where sums of products would take 0 * Inf for NaN.
bool reads_zero_border(const Problem& p);

// p, whose kernel holds such taps; `sum` computes a Problem that differs from p in its kernel alone.
using SumFinite = std::function<void(const Problem& p, const Arrays& arrays)>;
void sum_nonfinite_taps(const Problem& p, const Arrays& arrays, const Run& run, const SumFinite& sum);

}  // namespace convcorr
