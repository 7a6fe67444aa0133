// Calls so small that planning them would cost more than computing them: a short row or a small image, its rows
// contiguous. It is padded on the stack and computed in one piece.
#pragma once

#include "problem/problem.h"

namespace convcorr {

constexpr index_t small_padded_bytes = 24576;  // of the padded data
constexpr index_t small_taps_bytes = 8192;
constexpr index_t small_rows = 128;  // of the padded image

bool is_small(const Problem& p);

// From one padded row to the next: whole cache lines, so that the loads of one tap column in each are aligned. (Bytes
// and no division: this is asked in calls of a few hundred nanoseconds.)
constexpr index_t small_row_bytes(const SpatialAxis& lane, index_t size) {
  const index_t outputs = lane.out * size > 64 ? lane.out * size : 64;
  return (outputs + (lane.kernel - 1) * size + 63) & ~index_t(63);
}

}  // namespace convcorr
