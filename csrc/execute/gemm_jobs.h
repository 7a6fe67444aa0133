// What the jobs of a product of matrices share.
#pragma once

#include <vector>

#include "execute/parallel.h"
#include "plan/gemm_plan.h"

namespace convcorr {

// All weights: as the caller has them, or our own (execute/gemm_weights.h).
struct Weights {
  const char* origin;  // of group 0
  bool own;
};

// Rows of a group's weights from `first` on, and their bias.
class WeightRows {
 public:
  // `bias` is in the compute type, for all groups, or null.
  WeightRows(const GemmPlan& g, const Weights& weights, const char* bias, index_t group, index_t first);

  // Products from number k of the depth on: all of them but the panel, and where the sums go.
  GemmPanel from(const GemmPlan& g, index_t k) const;

 private:
  const char *h_, *bias_;
  index_t row_scalars_;
};

struct GroupAt {
  index_t x = 0, h = 0, y = 0;  // bytes
};
GroupAt group_at(const GemmPlan& g, index_t number);

// Bias in the compute type, for all groups; empty where there is none.
std::vector<char> read_bias(const Problem& p, const GemmPlan& g, const char* bias);

// By direct sums, which see no zeros of a border.
void run_directly(const Problem& p, const Arrays& arrays, const Run& run);

// False where some sums are not finite.
bool run_tap_by_tap(const Problem& p, const GemmPlan& g, const Arrays& arrays, const Weights& weights, const char* bias,
                    const Run& run);
// Not of a bias.
bool run_turned(const Problem& p, const GemmPlan& g, const Arrays& arrays, const Run& run);
bool run_by_planes(const Problem& p, const GemmPlan& g, const Arrays& arrays, const Weights& weights, const char* bias,
                   const Run& run);
bool run_by_pixels(const Problem& p, const GemmPlan& g, const Arrays& arrays, const Weights& weights, const char* bias,
                   const Run& run);

}  // namespace convcorr
