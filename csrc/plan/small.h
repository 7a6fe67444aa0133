// Calls so small that planning them would cost more than computing them: a short row or a small image, contiguous,
// under a border of zeros. It is padded on the stack and computed in one piece.
#pragma once

#include "problem/problem.h"

namespace convcorr {

constexpr index_t small_padded_bytes = 24576;  // of the padded data
constexpr index_t small_taps_bytes = 8192;
constexpr index_t small_rows = 128;  // of the padded image

bool is_small(const Problem& p);

// Elements from one padded row to the next.
constexpr index_t small_row_elements(const SpatialAxis& lane, index_t size) {
  const index_t most_lanes = 64 / size;
  return (lane.out > most_lanes ? lane.out : most_lanes) + lane.kernel - 1;
}

}  // namespace convcorr
