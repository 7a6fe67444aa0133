// A kernel about as large as the data: one tile, that all threads share.
//
//   enter    strips of data and kernel:  the outermost axis' first passes, out of x and h
//   middle   blocks:                     the kernel's remaining passes, then the data's, the product, and back
//   leave    strips:                     the outermost axis' last passes, into y
//
// The kernel's spectrum exists block by block only, just before it is used; of a large tile, even what enters is had in
// parts, one after the other.
#pragma once

#include "execute/parallel.h"
#include "plan/fft_plan.h"

namespace convcorr {

// The slice at `arrays`. `spectrum`: of make_shared_spectrum, or null. False where the tile needs care that it doesn't
// get here: nothing was written then.
bool run_shared_tile(const Problem& p, const FftPlan& f, const Arrays& arrays, const Run& run, void* spectrum);

index_t shared_tile_bytes(const Problem& p, const FftPlan& f, bool has_spectrum);

// FftFunctions::convolve on this thread alone, which can be stopped where a tile is so large that threads would share
// it.
void convolve_alone(const FftPlan& f, const void* const* rows, void* tile, const void* spectrum, const FftRows& out,
                    const Run& run);

}  // namespace convcorr
