// What the cost model looked at: one way to compute a Problem.
#pragma once

#include "kernels/table.h"

namespace convcorr {

enum class Algorithm : unsigned char { small, direct, reference, fft, separable, im2col, winograd, depthwise };
constexpr const char* algorithm_name(Algorithm a) {
  constexpr const char* names[] = {"small",     "direct", "reference", "fft",
                                   "separable", "im2col", "winograd",  "depthwise"};
  return names[static_cast<int>(a)];
}

struct Candidate {
  Algorithm algorithm;
  const char* refused = nullptr;  // why it can't serve; null where it can
  double seconds = 0;             // predicted, on one thread
  index_t scratch_bytes = 0;      // of one thread, and what threads share
  int axes = 0;                   // fft: block lengths of the transformed axes, in the order of the Problem's
  index_t tile[max_fft_columns + 1] = {};
  bool by_parts = false;  // a real factor is multiplied with real and imaginary parts apart
  bool chosen = false;
};

}  // namespace convcorr
