#include "execute/execute.h"

#include <algorithm>

#include "execute/bias.h"
#include "execute/depthwise.h"
#include "execute/direct.h"
#include "execute/fft.h"
#include "execute/gemm.h"
#include "execute/halves.h"
#include "execute/kernel_parts.h"
#include "execute/separable.h"
#include "execute/small.h"
#include "execute/winograd.h"
#include "problem/part.h"
#include "problem/reference.h"
#include "problem/upsampled.h"

namespace convcorr {
namespace {

void run_reference(const Problem& p, const Arrays& arrays, const Run& run) {
  const index_t outputs = outputs_of(p).count();
  constexpr double products_per_job = 50e3;
  const auto per_job = static_cast<index_t>(std::clamp(products_per_job / tap_count(p), 1.0, 1e6));
  const index_t jobs = (outputs + per_job - 1) / per_job;
  run_jobs(jobs, run, [&](index_t number, Worker& worker) {
    const index_t first = number * per_job;
    const GiveUp give_up = {[](void* state) { return static_cast<Worker*>(state)->should_stop(); }, &worker};
    reference(p, arrays, first, std::min(per_job, outputs - first), give_up);
  });
}

// Dilated taps: each phase by blocks of the same length.
void run_phases(const Problem& p, const Plan& plan, const Arrays& arrays, Run run) {
  run.seconds = plan.seconds / static_cast<double>(plan.phases);
  const FftBlocks blocks = blocks_of(plan.fft);
  for (index_t number = 0; number < plan.phases; ++number) {
    Problem phase = p;
    Arrays at = arrays;
    take_phase(phase, at, number);
    Plan own;
    make_plan(phase, Method::fft, own, blocks);
    execute(phase, own, at, run);
  }
}

// Zeros between the samples of x.
void run_upsampled(const Problem& p, const Plan& plan, const Arrays& arrays, const Run& run) {
  for (index_t number = 0; number < plan.upsampled; ++number) {
    Problem phase = p;
    Arrays at = arrays;
    if (!take_upsampled_phase(phase, at, number)) continue;
    Plan own;
    make_plan(phase, plan.method, own);
    execute(phase, own, at, run);
  }
}

void run_plan(const Problem& p, const Plan& plan, const Arrays& arrays, const Run& run) {
  if (plan.separates) {
    if (const auto factors = factorize(p, arrays.h)) return run_separable(p, *factors, arrays, run);
    if (plan.must_separate) refuse_kernel();
  }
  if (plan.in_halves) return sum_in_halves(p, arrays, plan.algorithm == Algorithm::im2col, run);
  switch (plan.algorithm) {
    case Algorithm::small:
      return run_small(p, arrays);
    case Algorithm::direct:
      return run_direct(p, plan.direct, arrays, run);
    case Algorithm::fft:
      if (plan.phases > 1) return run_phases(p, plan, arrays, run);
      return plan.by_parts ? run_fft_by_parts(p, plan.fft, arrays, run) : run_fft(p, plan.fft, arrays, run);
    case Algorithm::im2col:
      return run_gemm(p, plan.gemm, arrays, run);
    case Algorithm::depthwise:
      return run_depthwise(p, plan.gemm, arrays, run);
    case Algorithm::winograd:
      return run_winograd_layer(p, plan.winograd, arrays, nullptr, run);
    case Algorithm::reference:
      return run_reference(p, arrays, run);
    case Algorithm::separable:  // of a plan that was settled
      break;
  }
}

}  // namespace

void execute(const Problem& p, const Plan& plan, const Arrays& arrays, Run run) {
  run.seconds = plan.seconds;
  if (plan.upsampled > 1) return run_upsampled(p, plan, arrays, run);
  const bool adds = adds_bias(plan);
  run_plan(p, plan, adds ? arrays : Arrays{arrays.x, arrays.h, arrays.y}, run);
  if (arrays.bias && !adds) add_bias(p, arrays, run);
}

}  // namespace convcorr
