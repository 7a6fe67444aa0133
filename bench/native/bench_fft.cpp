// Transforms there and back with a product between, of one block of real data: what overlap-save does with each block.
// Operations are counted as 2 * 2.5 N log2(N), whatever the kernels need.
#include <cmath>
#include <string>

#include "base/dtype.h"
#include "data.h"
#include "dispatch/registry.h"
#include "measure.h"
#include "plan/fft_tables.h"

namespace convcorr::bench {
namespace {

void convolve(benchmark::State& state, Compute compute, index_t n) {
  const bool f64 = compute == Compute::f64;
  const FftFunctions& fft = f64 ? kernels().fft->f64 : kernels().fft->f32;
  const index_t size = itemsize(compute), lanes = kernels().taps->register_bytes / size;
  const auto tables = fft_axis({f64, lanes, true, n / 2});
  FftTile tile = {};
  tile.lane = tables->axis;
  tile.folded = true;
  tile.vectors = tile.pitch = n / 2 / lanes;

  const Area x(n * size), y(n * size, middle_of_page), points(n * size), spectrum(n * size), taps(n * size);
  fill(dtype_of(compute), x.data(), n);
  fill(dtype_of(compute), taps.data(), n / 4);
  const void* taps_row = taps.data();
  fft.transform(tile, &taps_row, spectrum.data());
  const void* x_row = x.data();
  void* y_row = y.data();
  const double products = 2.5 * static_cast<double>(n) * std::log2(static_cast<double>(n));
  measure(state, {compute, products, 4 * n * size}, [&](index_t calls) {
    for (index_t i = 0; i < calls; ++i) fft.convolve(tile, &x_row, points.data(), spectrum.data(), {&y_row, n});
  });
}

}  // namespace

// fft/f32/n:4096
void register_fft() {
  for (const Compute c : {Compute::f32, Compute::f64}) {
    const index_t lanes = kernels().taps->register_bytes / itemsize(c);
    for (index_t n = 256; n <= 1 << 20; n *= 2) {
      if (n < 4 * least_lane_points(lanes)) continue;
      const std::string name = std::string("fft/") + name_of(c) + "/n:" + std::to_string(n);
      benchmark::RegisterBenchmark(name.c_str(), convolve, c, n)->UseManualTime();
    }
  }
}

}  // namespace convcorr::bench
