#include "execute/execute.h"

#include <algorithm>

#include "execute/direct.h"
#include "execute/fft.h"
#include "execute/small.h"
#include "problem/reference.h"

namespace convcorr {
namespace {

void run_reference(const Problem& p, const Arrays& arrays, const Run& run) {
  const index_t outputs = outputs_of(p).count();
  constexpr double products_per_job = 50e3;
  const auto per_job = static_cast<index_t>(std::clamp(products_per_job / tap_count(p), 1.0, 1e6));
  const index_t jobs = (outputs + per_job - 1) / per_job;
  run_jobs(jobs, run, [&](index_t number, Worker&) {
    const index_t first = number * per_job;
    reference(p, arrays, first, std::min(per_job, outputs - first));
  });
}

}  // namespace

void execute(const Problem& p, const Plan& plan, const Arrays& arrays, Run run) {
  run.seconds = plan.seconds;
  switch (plan.algorithm) {
    case Algorithm::small:
      return run_small(p, arrays);
    case Algorithm::direct:
      return run_direct(p, plan.direct, arrays, run);
    case Algorithm::fft:
      return run_fft(p, plan.fft, arrays, run);
    case Algorithm::reference:
      return run_reference(p, arrays, run);
  }
}

}  // namespace convcorr
