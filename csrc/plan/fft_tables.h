// Twiddles of one axis of a tile, made once and shared by all plans that need them.
#pragma once

#include <compare>
#include <memory>

#include "kernels/table.h"

namespace convcorr {

struct FftAxisKind {
  bool f64;
  index_t lanes;   // of a register, on a lane axis; 1: an axis of columns
  bool folded;     // the outermost axis of a tile of real data
  index_t points;  // complex: a power of two, or of the outermost axis 3 or 5 times one

  auto operator<=>(const FftAxisKind&) const = default;
};

struct FftAxisTables {
  FftAxis axis;
  std::unique_ptr<char[]> memory;
  index_t bytes;
};

// Lane axes take at least these many points: a group of the base case.
inline index_t least_lane_points(index_t lanes) { return lanes * lanes; }

// Throws MemoryError.
std::shared_ptr<const FftAxisTables> fft_axis(const FftAxisKind& kind);

void clear_fft_tables();  // plans in use keep theirs

}  // namespace convcorr
