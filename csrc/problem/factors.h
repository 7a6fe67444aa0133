// Kernels that are outer products: h[t0, t1, ...] = a[t0] b[t1] ...
#pragma once

#include <optional>
#include <vector>

#include "problem/problem.h"

namespace convcorr {

// One kernel for each spatial axis with several taps, of the Problem's sum type, in the order of h.
struct Factors {
  std::vector<int> axes;
  std::vector<std::vector<char>> taps;

  const char* of(int axis) const;
};

// What a product of floating factors may be off a tap of h, in units of its own rounding: what is left of products that
// were rounded, normalised and rounded again. More than that is another kernel.
constexpr double factor_tolerance = 16;

// Or, of real taps, that part of a rounding of the largest one: far from a smooth kernel's middle its taps are off by
// more of their own.
constexpr double small_tap_slack = 1.0 / 256;

// The factors of the kernel at h; none where it is no outer product. Floating taps are it to within the
// tolerance above, a proof by computing all of them; integers modulo 2^bits.
std::optional<Factors> factorize(const Problem& p, const char* h);

}  // namespace convcorr
