#include "plan/plan.h"

#include "plan/cost.h"
#include "plan/small.h"

namespace convcorr {

void make_plan(const Problem& p, Method method, Plan& plan) {
  if (method == Method::fft && !refuse_fft(p) && make_fft_plan(p, forced_fft_blocks(), plan.fft)) {
    plan.algorithm = Algorithm::fft;
    plan.seconds = plan.fft.seconds;
    return;
  }
  if (method != Method::reference && is_small(p)) {
    plan.algorithm = Algorithm::small;
    plan.seconds = output_count(p) * tap_count(p) / cost_model().small_products_per_second;
    return;
  }
  if (method != Method::reference && !refuse_direct(p)) {
    plan.algorithm = Algorithm::direct;
    make_direct_plan(p, plan.direct);
    plan.seconds = plan.direct.seconds;
    return;
  }
  plan.algorithm = Algorithm::reference;
  plan.seconds = output_count(p) * tap_count(p) * cost_model().reference_product_seconds;
}

}  // namespace convcorr
