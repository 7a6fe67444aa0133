// Borders as runs: beyond its ends, a signal goes on as stretches of itself.
#pragma once

#include "base/types.h"

namespace convcorr {

// From some position on, `length` positions read x[index], x[index + step], ... ; index < 0: they read the fill value.
struct BorderRun {
  index_t index;
  index_t step;  // 1, -1, or 0 for a repeated sample
  index_t length;
};

constexpr index_t endless = index_t(1) << 62;

// The run that starts at position p of a signal of n samples, n >= 1. Any distance from the signal is right: the rules
// are periodic, as numpy.pad's are.
inline BorderRun border_run(index_t p, index_t n, Border border) {
  if (p >= 0 && p < n) return {p, 1, n - p};
  switch (border) {
    case Border::constant:
      return {-1, 0, p < 0 ? -p : endless};
    case Border::edge:
      return p < 0 ? BorderRun{0, 0, -p} : BorderRun{n - 1, 0, endless};
    case Border::wrap: {
      const index_t i = (p % n + n) % n;
      return {i, 1, n - i};
    }
    case Border::symmetric: {  // period 2n: forwards, then backwards
      const index_t i = (p % (2 * n) + 2 * n) % (2 * n);
      return i < n ? BorderRun{i, 1, n - i} : BorderRun{2 * n - 1 - i, -1, 2 * n - i};
    }
    case Border::reflect: {  // period 2n - 2: the end samples come once
      if (n == 1) return {0, 0, endless};
      const index_t period = 2 * n - 2;
      const index_t i = (p % period + period) % period;
      return i < n ? BorderRun{i, 1, n - i} : BorderRun{period - i, -1, period - i};
    }
  }
  return {-1, 0, endless};
}

// The sample that position p reads, or -1 for the fill value.
inline index_t border_index(index_t p, index_t n, Border border) { return border_run(p, n, border).index; }

}  // namespace convcorr
