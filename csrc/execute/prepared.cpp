#include "execute/prepared.h"

#include "execute/direct.h"
#include "execute/execute.h"
#include "execute/fft.h"
#include "execute/gemm.h"
#include "execute/kernel_parts.h"
#include "execute/separable.h"
#include "execute/winograd.h"
#include "problem/dilated.h"
#include "problem/image_planes.h"
#include "problem/part.h"

namespace convcorr {

Prepared::Prepared(const Problem& p, const Plan& plan, const char* h, const Run& run) {
  if (plan.separates) {
    factors_ = factorize(p, h);
    return;
  }
  if (plan.in_halves || plan.phases > 1 || plan.upsampled > 1) return;
  if (plan.algorithm == Algorithm::im2col) weights_ = std::make_unique<OwnWeights>(p, plan.gemm, h, run);
  if (plan.by_parts) {
    parts_ = std::make_unique<const KernelParts>(p, h);
    if (parts_->finite()) fft_ = std::make_unique<PreparedFft>(split_kernel(p), plan.fft, parts_->data(), run);
    return;
  }
  if (plan.algorithm == Algorithm::fft) fft_ = std::make_unique<PreparedFft>(p, plan.fft, h, run);
  if (plan.algorithm == Algorithm::direct && !plan.direct.taps_per_slice) {
    taps_ = std::make_unique<PreparedTaps>(p, plan.direct, h, run);
  }
  if (plan.algorithm == Algorithm::winograd) {
    winograd_ = std::make_unique<PreparedWinograd>(without_dilation(as_planes(p)), plan.winograd, h, run);
  }
}

Prepared::~Prepared() = default;

void Prepared::execute(const Problem& p, const Plan& plan, const Arrays& arrays, Run run) const {
  run.seconds = plan.seconds;
  if (plan.separates && factors_) return run_separable(p, *factors_, arrays, run);
  if (plan.in_halves || plan.phases > 1 || plan.upsampled > 1) return convcorr::execute(p, plan, arrays, run);
  if (plan.algorithm == Algorithm::im2col && weights_ && weights_->serves(plan.gemm)) {
    return weights_->run(p, plan.gemm, arrays, run);
  }
  if (plan.algorithm == Algorithm::fft && fft_ && fft_->serves(plan.fft)) {
    if (!parts_) return fft_->run(p, plan.fft, arrays, run);
    return fft_->run(split_kernel(p), plan.fft, {arrays.x, parts_->data(), arrays.y}, run);
  }
  if (plan.algorithm == Algorithm::direct && taps_ && taps_->serves(plan.direct)) {
    return taps_->run(p, plan.direct, arrays, run);
  }
  if (plan.algorithm == Algorithm::winograd) {
    return run_winograd_layer(p, plan.winograd, arrays, winograd_.get(), run);
  }
  convcorr::execute(p, plan, arrays, run);
}

}  // namespace convcorr
