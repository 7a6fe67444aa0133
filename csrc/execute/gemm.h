// A layer by products of matrices: see plan/gemm_plan.h.
#pragma once

#include "base/buffer.h"
#include "execute/parallel.h"
#include "plan/gemm_plan.h"

namespace convcorr {

void run_gemm(const Problem& p, const GemmPlan& g, const Arrays& arrays, const Run& run);

// Weights in the compute type, as the products read them, for many calls. Safe to share between threads once made.
class OwnWeights {
 public:
  OwnWeights(const Problem& p, const GemmPlan& g, const char* h, const Run& run);
  bool serves(const GemmPlan& g) const;
  void run(const Problem& p, const GemmPlan& g, const Arrays& arrays, const Run& run) const;

 private:
  Compute compute_;
  index_t groups_, rows_, depth_;
  bool by_pixels_;
  Block weights_;
};

}  // namespace convcorr
