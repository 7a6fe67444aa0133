// The direct engine: a Problem by sliding sums, tile by tile.
#pragma once

#include <vector>

#include "execute/parallel.h"
#include "plan/direct_plan.h"

namespace convcorr {

void run_direct(const Problem& p, const DirectPlan& d, const Arrays& arrays, const Run& run);

// A kernel packed once, for many calls; of plans whose slices share it. Safe to share between threads once made.
class PreparedTaps {
 public:
  PreparedTaps(const Problem& p, const DirectPlan& d, const char* h, const Run& run);

  // Whether d's kernels read taps in this order: x may be another one, with more slices or other strides.
  bool serves(const DirectPlan& d) const;
  void run(const Problem& p, const DirectPlan& d, const Arrays& arrays, const Run& run) const;

 private:
  DirectPlan d_;
  std::vector<char> taps_;
  bool finite_;
};

}  // namespace convcorr
