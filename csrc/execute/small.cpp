#include "execute/small.h"

#include <algorithm>
#include <cstring>

#include "dispatch/registry.h"
#include "execute/overlap_only.h"
#include "plan/small.h"

namespace convcorr {
namespace {

constexpr index_t most_register_bytes = 64;

template <class T, int S>
void run(const Problem& p, const Arrays& arrays, Compute compute) {
  struct Element {
    T part[S];
  };
  const SpatialAxis& a = p.spatial[0];
  Element taps[small_elements];
  T finite = 0;
  for (index_t t = 0; t < a.kernel; ++t) {
    std::memcpy(&taps[t], arrays.h + (p.flip ? a.kernel - 1 - t : t) * a.h_stride, sizeof(Element));
    if (S == 2 && p.conjugate) taps[t].part[S - 1] = -taps[t].part[S - 1];
    for (T part : taps[t].part) finite += part * T(0);
  }
  // Positions offset .. offset + out + kernel - 1 of x, zeros outside it, and a register more to read.
  Element row[small_elements + most_register_bytes / sizeof(Element)];
  const index_t length = std::max<index_t>(a.out, most_register_bytes / sizeof(Element)) + a.kernel - 1;
  const index_t low = std::clamp<index_t>(-a.offset, 0, length);
  const index_t high = std::clamp<index_t>(a.in - a.offset, low, length);
  std::memset(row, 0, static_cast<std::size_t>(low) * sizeof(Element));
  if (high > low) {
    std::memcpy(row + low, arrays.x + (a.offset + low) * a.x_stride,
                static_cast<std::size_t>(high - low) * sizeof(Element));
  }
  std::memset(row + high, 0, static_cast<std::size_t>(length - high) * sizeof(Element));
  kernels().taps->of[static_cast<int>(compute)](row, taps, a.kernel, arrays.y, a.out);
  if (finite != T(0)) sum_overlap_only(p, arrays, Run{});
}

}  // namespace

void run_small(const Problem& p, const Arrays& arrays) {
  switch (p.sum_type) {
    case DType::f32:
      return run<float, 1>(p, arrays, Compute::f32);
    case DType::f64:
      return run<double, 1>(p, arrays, Compute::f64);
    case DType::c64:
      return run<float, 2>(p, arrays, Compute::c64);
    default:
      return run<double, 2>(p, arrays, Compute::c128);
  }
}

}  // namespace convcorr
