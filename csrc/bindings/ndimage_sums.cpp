#include "bindings/ndimage_sums.h"

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <utility>

#include "plan/direct_plan.h"

namespace convcorr {
namespace {

// The largest magnitude that an integer type holds.
double largest(DType t) {
  constexpr double sizes[] = {0, 0x1p8, 0x1p16, 0, 0x1p32};
  return is_integer(t) && itemsize(t) <= 4 ? sizes[itemsize(t)] : HUGE_VAL;
}

// More than these lose more than a few roundings, even of one sign.
constexpr index_t most_narrow_taps = 256;

// Moves a rounded tap by one of float32's steps towards `missing`, where that leaves it within a step of the true one.
float nudged(double tap, float rounded, double missing) {
  const float next = std::nextafter(rounded, missing > 0 ? HUGE_VALF : -HUGE_VALF);
  const double step = std::fabs(static_cast<double>(next) - static_cast<double>(rounded));
  return std::fabs(static_cast<double>(next) - tap) <= step ? next : rounded;
}

}  // namespace

bool is_small_integer(DType t) { return is_integer(t) && itemsize(t) <= 2; }

Facts::Facts(const Kernel& kernel) : taps(kernel.size) {
  if (!kernel.taps) {
    magnitude = static_cast<double>(taps);
    one_sign = taps <= most_narrow_means;
    return;
  }
  bool positive = false, negative = false;
  for (index_t i = 0; i < taps; ++i) {
    const double tap = kernel.taps[i];
    magnitude += std::fabs(tap);
    whole = whole && tap == std::floor(tap);
    narrow = narrow && tap == static_cast<float>(tap);
    has_zero = has_zero || tap == 0;
    vanishes = vanishes || (tap != 0 && std::fabs(tap) < static_cast<double>(FLT_MIN));
    positive = positive || tap > 0;
    negative = negative || !(tap >= 0);  // or NaN
  }
  one_sign = !(positive && negative);
}

bool is_exact(const Problem& p, const Facts& facts, double limit, double before) {
  const auto fill = static_cast<double>(p.fill.re);
  if (!facts.whole || !is_integer(p.x_type) || fill != std::floor(fill)) return false;
  return before * facts.magnitude * std::max(largest(p.x_type), std::fabs(fill)) < limit;
}

void set_sums(Problem& p, const Facts& facts) {
  constexpr index_t few = 16;
  const bool narrow_x = p.x_type == DType::f32 || is_small_integer(p.x_type);
  const bool close = facts.taps <= few || (facts.one_sign && facts.taps <= most_narrow_taps);
  p.sum_type = DType::f64;
  if (p.y_type == DType::f32 && narrow_x && facts.narrow && close) p.sum_type = DType::f32;
  if (!is_integer(p.y_type)) return;
  p.narrowing = Narrowing::truncate;
  if (is_small_integer(p.x_type) && is_exact(p, facts, 0x1p24)) p.sum_type = DType::f32;
}

void set_order(Problem& p, const Facts& facts, Summation order, bool small) {
  constexpr double rare = 0x1p-9;  // of random sums, twice as many are in doubt
  if (!is_integer(p.y_type)) return;
  const double bound = facts.magnitude * std::max(largest(p.x_type), std::fabs(static_cast<double>(p.fill.re)));
  if (is_exact(p, facts, 0x1p53)) {
    p.bound = bound;
    return;
  }
  if (order == Summation::fast) return;
  p.summation = order;
  if (small) return;
  const bool narrow = is_small_integer(p.x_type) && bound < 0x1p21 && doubt_of(DType::f32, facts.taps, bound) < rare;
  if (!narrow && !(bound < 0x1p50 && doubt_of(DType::f64, facts.taps, bound) < rare)) return;
  p.bound = bound;
  if (narrow) p.sum_type = DType::f32;
}

Summation order_of(const Kernel& kernel) {
  if (!kernel.taps) return Summation::fast;
  const index_t n = kernel.size;
  bool same = n % 2 == 1, opposite = same;
  for (index_t i = 0; i < n / 2; ++i) {
    same = same && std::fabs(kernel.taps[i] - kernel.taps[n - 1 - i]) <= DBL_EPSILON;
    opposite = opposite && std::fabs(kernel.taps[i] + kernel.taps[n - 1 - i]) <= DBL_EPSILON;
  }
  return same ? Summation::symmetric : opposite ? Summation::antisymmetric : Summation::last_first;
}

bool wants_narrow_taps(DType x, DType y, const Kernel& kernel) {
  if (!kernel.taps || y != DType::f32 || (x != DType::f32 && !is_small_integer(x))) return false;
  const Facts facts(kernel);
  return facts.one_sign && !facts.narrow && !facts.vanishes && facts.taps <= most_narrow_taps &&
         facts.magnitude < 0x1p100;
}

std::vector<double> narrow_taps(const Kernel& kernel) {
  const index_t n = kernel.size;
  std::vector<double> narrow(static_cast<std::size_t>(n));
  double missing = 0;
  for (index_t i = 0; i < n; ++i) {
    narrow[i] = static_cast<double>(static_cast<float>(kernel.taps[i]));
    missing += kernel.taps[i] - narrow[i];
  }
  // From the middle outwards, a tap and its counterpart alike: a symmetric kernel stays one, and steps get smaller.
  for (index_t i = (n - 1) / 2; i >= 0; --i) {
    const index_t mirrored = n - 1 - i;
    const float before = static_cast<float>(narrow[i]), after = nudged(kernel.taps[i], before, missing);
    const double step = (static_cast<double>(after) - static_cast<double>(before)) * (i == mirrored ? 1 : 2);
    const bool alike = kernel.taps[i] == kernel.taps[mirrored];
    if (!alike || std::fabs(missing - step) >= std::fabs(missing)) continue;
    narrow[i] = narrow[mirrored] = static_cast<double>(after);
    missing -= step;
  }
  return narrow;
}

}  // namespace convcorr
