// Marks over a tile, a byte for each position, and windows sliding over them.
#pragma once

#include <vector>

#include "plan/fft_plan.h"

namespace convcorr {

using Mask = std::vector<unsigned char>;  // [positions of axis 0][positions of axis 1]...

// Every position n with a mark at n + t * step for a t in [0, taps), along one axis of the tile; or, backwards, at
// n - t * step.
void spread_marks(const FftPlan& f, int axis, index_t taps, index_t step, bool backwards, Mask& marks);

// Positions in C order; lanes must not be free.
inline index_t positions_of(const FftPlan& f) {
  index_t n = 1;
  for (int a = 0; a < f.axes; ++a) n *= f.axis[a].block;
  return n;
}

}  // namespace convcorr
