#include "plan/cost.h"

#include <string_view>

#include "base/dtype.h"
#include "dispatch/registry.h"
#include "plan/constants.h"

namespace convcorr {
namespace {

// An ISA that nobody measured costs what its register width costs elsewhere.
const IsaCosts& costs_of(const Kernels& k) {
  const std::string_view isa = k.isa;
  for (const IsaCosts& c : calibrated) {
    if (isa == c.isa) return c;
  }
  for (const IsaCosts& c : calibrated) {
    if (std::string_view(c.isa) == "sse42") return c;
  }
  return calibrated[0];
}

}  // namespace

// A pair takes half of a complex number's products.
// 16-bit integers have one multiplier of their width, 32-bit ones take two steps, 64-bit ones are composed of three.
DirectCost CostModel::direct(Compute c, bool one_row) const {
  const auto& costs = one_row ? isa.taps : isa.rows;
  if (is_pair(c)) {
    DirectCost cost = costs[float_index(complex_of(c))];
    cost.product /= 2;
    return cost;
  }
  if (c >= Compute::f32) return costs[float_index(c)];
  constexpr double products[] = {1, 4, 12};
  DirectCost cost = costs[0];
  cost.product *= products[static_cast<int>(c)];
  return cost;
}

const CostModel& cost_model() {
  static const CostModel model = {costs_of(kernels())};
  return model;
}

}  // namespace convcorr
