// The 1-D kernel: one row with k taps, in L1 and in L2.
#include <string>

#include "base/dtype.h"
#include "data.h"
#include "dispatch/registry.h"
#include "measure.h"

namespace convcorr::bench {
namespace {

void correlate(benchmark::State& state, Compute compute, index_t k, Place place) {
  const taps_fn kernel = kernels().taps->of[static_cast<int>(compute)];
  const index_t size = itemsize(compute);
  const index_t m = place.bytes / (2 * size) - k;
  const Area x((m + k - 1) * size), w(k * size), y(m * size, middle_of_page);
  fill(dtype_of(compute), x.data(), m + k - 1);
  fill(dtype_of(compute), w.data(), k);
  const double products = static_cast<double>(m * k) * scalar_products(compute);
  measure(state, {compute, products, (2 * m + 2 * k - 1) * size}, [&](index_t calls) {
    for (index_t i = 0; i < calls; ++i) kernel(x.data(), w.data(), k, y.data(), m);
  });
}

}  // namespace

// taps/f32/k:31/L1
void register_taps() {
  for (Compute c : {Compute::f32, Compute::f64, Compute::c64, Compute::c128, Compute::u16, Compute::u32}) {
    for (index_t k : {3, 5, 7, 9, 15, 21, 31, 64, 127}) {
      for (Place place : {in_l1(), in_l2()}) {
        const std::string name = std::string("taps/") + name_of(c) + "/k:" + std::to_string(k) + "/" + place.name;
        benchmark::RegisterBenchmark(name.c_str(), correlate, c, k, place)->UseManualTime();
      }
    }
  }
}

}  // namespace convcorr::bench
