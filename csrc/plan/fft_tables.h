// Twiddles of one axis of a tile, made once and shared by all plans that need them.
#pragma once

#include <memory>

#include "kernels/table.h"

namespace convcorr {

struct FftAxisKind {
  bool f64;
  bool lane;       // else an axis of columns
  bool folded;     // the outermost axis of a tile of real data
  index_t points;  // complex, a power of two

  bool operator==(const FftAxisKind&) const = default;
};

struct FftAxisTables {
  FftAxis axis;
  std::unique_ptr<char[]> memory;
};

// Lane axes take at least these many points: a group of the base case.
index_t least_lane_points(bool f64);

// Throws MemoryError.
std::shared_ptr<const FftAxisTables> fft_axis(const FftAxisKind& kind);

void clear_fft_tables();  // plans in use keep theirs

}  // namespace convcorr
