// Images whose channels are innermost, turned into planes for an engine, and its results back; and planes into pixels.
#pragma once

#include <functional>

#include "execute/parallel.h"
#include "problem/problem.h"

namespace convcorr {

// Calls `run_planes` with parts of p as as_planes() has them (problem/image_planes.h), one after the other: as many
// batch items at once as fit a bounded block. `spare` bytes of scratch are left to it.
void run_on_planes(const Problem& p, const Arrays& arrays, index_t spare, const Run& run,
                   const std::function<void(const Problem& part, const Arrays& planes)>& run_planes);
// p's samples, which are planes, to pixels as with_x_as_pixels() has them.
void turn_to_pixels(const Problem& p, const Problem& pixels, const char* x, char* to, const Run& run);

}  // namespace convcorr
