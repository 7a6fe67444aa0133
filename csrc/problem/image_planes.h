// Images whose channels are innermost, as planes: one for each channel, that of the next channel behind it.
#pragma once

#include "problem/problem.h"

namespace convcorr {

// Whether a layer's samples are pixels of neighbouring channels, of the type that sums are taken in.
bool x_has_pixels(const Problem& p);
bool y_has_pixels(const Problem& p);

// Arrays of planes take these strides; whole cache lines lie between planes, but no multiple of 4 KB.
Problem with_x_as_planes(const Problem& p);
Problem with_y_as_planes(const Problem& p);
// Both where x has pixels, and y where it has them too; else p.
Problem as_planes(const Problem& p);

// The other way: whether x has planes whose innermost axis is contiguous, and p with pixels in their place.
bool x_has_planes(const Problem& p);
Problem with_x_as_pixels(const Problem& p);

// Of planes for all of p; pixels take no more.
index_t x_planes_bytes(const Problem& p);
index_t y_planes_bytes(const Problem& p);

}  // namespace convcorr
