#include "execute/load.h"

#include <algorithm>

#include "dispatch/registry.h"

namespace convcorr {

void load_elements(DType type, bool swapped, Compute compute, const char* src, index_t stride, index_t n, char* dst) {
  const ConvertTable& convert = *kernels().convert;
  const load_fn load = convert.load[static_cast<int>(type)][static_cast<int>(compute)];
  const index_t unit = swap_unit(type), item = itemsize(type);
  if (!swapped || unit == 1) return load(src, stride, n, dst);
  const swap_fn swap = unit == 2 ? convert.swap2 : unit == 4 ? convert.swap4 : convert.swap8;
  constexpr index_t chunk = 256;
  alignas(16) char native[chunk * 16];
  for (index_t first = 0; first < n; first += chunk) {
    const index_t count = std::min(chunk, n - first);
    const char* from = src + first * stride;
    if (item == unit) {
      swap(from, stride, count, native);
    } else {  // complex: a pair of units
      for (index_t i = 0; i < count; ++i) swap(from + i * stride, unit, 2, native + i * item);
    }
    load(native, item, count, dst + first * itemsize(compute));
  }
}

}  // namespace convcorr
