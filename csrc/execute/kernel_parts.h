// Real data with a complex kernel by FFT: the kernel's real and imaginary parts, as the filter bank that
// split_kernel(p) poses. One real transform of the data serves both.
#pragma once

#include <vector>

#include "execute/parallel.h"
#include "plan/plan.h"

namespace convcorr {

// The kernel of split_kernel(p), for the one at h.
class KernelParts {
 public:
  KernelParts(const Problem& p, const char* h);
  // An infinite tap's 0 times Inf would be missed: such kernels are for p itself.
  bool finite() const { return finite_; }
  const char* data() const { return reinterpret_cast<const char*>(data_.data()); }

 private:
  std::vector<double> data_;
  bool finite_ = true;
};

void run_fft_by_parts(const Problem& p, const FftPlan& f, const Arrays& arrays, const Run& run);

}  // namespace convcorr
