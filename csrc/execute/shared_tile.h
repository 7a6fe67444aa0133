// A kernel about as large as the data: one tile, that all threads share.
//
//   enter    strips of data and kernel:  the outermost axis' first passes, out of x and h
//   middle   blocks:                     the kernel's remaining passes, then the data's, the product, and back
//   leave    strips:                     the outermost axis' last passes, into y
//
// The kernel's spectrum exists block by block only, just before it is used.
#pragma once

#include "execute/parallel.h"
#include "plan/fft_plan.h"

namespace convcorr {

// Part `number` of [0, f.shared_strips); which scalars of the row can be read is the caller's.
FftStrip shared_strip(const FftPlan& f, index_t number);

// False where the tile needs care that it doesn't get here: nothing was written then.
bool run_shared_tile(const Problem& p, const FftPlan& f, const Arrays& arrays, const Run& run);

}  // namespace convcorr
