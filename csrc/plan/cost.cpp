#include "plan/cost.h"

#include "dispatch/registry.h"

namespace convcorr {
namespace {

// Products per second at half the peak of a 3 GHz core with two multiply-adds a cycle; 16-bit integers have one
// multiplier of that width, 32-bit ones take two steps, 64-bit ones are composed of three.
CostModel model_of(int register_bytes) {
  const double f32 = 3e9 * register_bytes / 4;
  CostModel m = {};
  const double rates[compute_count] = {f32, f32 / 4, f32 / 12, f32, f32 / 2, f32 / 4, f32 / 8};
  for (int c = 0; c < compute_count; ++c) m.products_per_second[c] = rates[c];
  m.row_seconds = 15e-9;
  m.line_bytes_per_second = 15e9;
  m.copy_bytes_per_second = 10e9;
  m.small_products_per_second = 8e9;
  m.job_seconds = 150e-9;
  m.reference_product_seconds = 30e-9;
  m.fft[0] = {f32 * 1.6, f32 * 1.0, 0.05e-9, 10e-9, 150e-9, 500e-9};
  m.fft[1] = {f32 * 0.8, f32 * 0.45, 0.05e-9, 10e-9, 150e-9, 500e-9};
  return m;
}

}  // namespace

const CostModel& cost_model() {
  static const CostModel model = model_of(kernels().taps->register_bytes);
  return model;
}

}  // namespace convcorr
