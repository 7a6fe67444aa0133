// In which type and order scipy.ndimage's sums are taken, so that they lose nothing that SciPy's don't.
#pragma once

#include <vector>

#include "problem/problem.h"

namespace convcorr {

// Taps along one axis, or of all.
struct Kernel {
  const double* taps;  // contiguous; null: `size` equal taps that sum to 1
  index_t size;
  bool flip;
};

// What is known of a kernel's taps.
struct Facts {
  double magnitude = 0;                                // the sum of |tap|
  bool whole = true, narrow = true, has_zero = false;  // narrow: float32 holds each
  bool one_sign = true;
  bool vanishes = false;  // a tap that isn't 0 is below float32's normal range
  index_t taps;

  explicit Facts(const Kernel& kernel);
};

// Whether every sum is a whole number below `limit`, in whatever order it is taken; also of data that is filtered
// twice.
bool is_exact(const Problem& p, const Facts& facts, double limit, double before = 1);

// Sets the sums' type and how they are narrowed to y's.
void set_sums(Problem& p, const Facts& facts);

// Of sums that go into integers: their bound; and where they aren't exact their order, and in which type they may be
// taken before doubt of it is settled. Of a small image, settling would cost more than it saves.
void set_order(Problem& p, const Facts& facts, Summation order, bool small = false);

// A mean of more samples than these is summed in double.
constexpr index_t most_narrow_means = 32;

bool is_small_integer(DType t);

// The order in which SciPy sums along one axis.
Summation order_of(const Kernel& kernel);

// Whether sums of x into y by these taps are taken in float32 once it holds them.
bool wants_narrow_taps(DType x, DType y, const Kernel& kernel);

// Taps that float32 holds, each no further off than one of its roundings, and so chosen that their sum stays what it
// was. (Of taps rounded one by one the sum is off by a rounding or two, and so is every mean that they take.)
std::vector<double> narrow_taps(const Kernel& kernel);

}  // namespace convcorr
