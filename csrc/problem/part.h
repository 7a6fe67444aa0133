// A part of a Problem's outputs, as a Problem of its own.
#pragma once

#include "problem/problem.h"

namespace convcorr {

// Keeps outputs [first, first + count) of a spatial axis. Taps that meet nothing but a zero border are left out.
void keep_outputs(Problem& p, Arrays& arrays, int axis, index_t first, index_t count);

// Keeps taps [first, first + count) of a spatial axis.
void keep_taps(Problem& p, Arrays& arrays, int axis, index_t first, index_t count);

// Taps d apart see only samples d apart: their outputs fall into d phases, each a Problem of its own without dilation.
//   y[d m + r] = sum over t of  x[s + d (m + t + q)] h[t],   r + offset = s + d q
// How many phases p has over all its axes: 1 without dilation; 0 where they can't be told apart (outputs strided, or a
// border that mixes them).
index_t phase_count(const Problem& p);
// Phase `number` of p; false where none of its outputs exist or none of its samples do.
bool take_phase(Problem& p, Arrays& arrays, index_t number);

// Whether x or h is real where sums are complex (and x's fill is no less real): then a product takes two real ones.
bool has_real_factor(const Problem& p);

// Real data with a complex kernel are a filter bank of the kernel's two parts: whether p is that.
bool can_split_kernel(const Problem& p);
// The bank, of real numbers: its last outer axis is the part, in h and in y. Its kernel lies contiguous, as [outer
// axes of h][part][spatial axes] of the sum's type, conjugated already.
Problem split_kernel(const Problem& p);

}  // namespace convcorr
