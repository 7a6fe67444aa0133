#include "execute/mend.h"

#include <cmath>
#include <cstring>
#include <vector>

#include "base/dtype.h"
#include "dispatch/registry.h"

namespace convcorr {
namespace {

// Row r of the block by complex products: (w, 0) where the taps are (w, w).
template <class T>
std::vector<T> complex_row(Compute complex, const RowsBlock& block, int r) {
  const auto* pairs = static_cast<const T*>(block.taps);
  std::vector<T> taps(pairs, pairs + 2 * block.plane_count * block.kh * block.kw);
  for (std::size_t i = 1; i < taps.size(); i += 2) taps[i] = 0;
  std::vector<const void* const*> planes(block.planes, block.planes + block.plane_count);
  for (auto& lines : planes) lines += r;
  std::vector<T> sums(static_cast<std::size_t>(2 * block.m));
  void* out = sums.data();
  RowsBlock row = block;
  row.planes = planes.data();
  row.taps = taps.data();
  row.out = &out;
  row.count = 1;
  kernels().rows->of[static_cast<int>(complex)](row);
  return sums;
}

// Side by side: of short rows a kernel's call and its tail would take as long as the sums did.
template <class T>
bool short_row_is_finite(const char* row, index_t scalars) {
  T side[4] = {}, v[4];
  for (; scalars >= 4; scalars -= 4, row += sizeof v) {
    std::memcpy(v, row, sizeof v);
    for (int i = 0; i < 4; ++i) side[i] += v[i];
  }
  if (scalars > 0) {  // one complex number
    std::memcpy(v, row, 2 * sizeof(T));
    for (int i = 0; i < 2; ++i) side[i] += v[i];
  }
  return std::isfinite((side[0] + side[1]) + (side[2] + side[3]));
}

template <class T>
bool row_is_finite(const void* row, index_t scalars, double (*sum_line)(const void*, index_t)) {
  constexpr index_t few = 128;
  return scalars <= few ? short_row_is_finite<T>(static_cast<const char*>(row), scalars)
                        : std::isfinite(sum_line(row, scalars));
}

template <class T>
void mend(Compute complex, const RowsBlock& block, double (*sum_line)(const void*, index_t)) {
  for (int r = 0; r < block.count; ++r) {
    if (row_is_finite<T>(block.out[r], 2 * block.m, sum_line)) continue;
    const std::vector<T> sums = complex_row<T>(complex, block, r);
    char* out = static_cast<char*>(block.out[r]);  // of any alignment
    for (std::size_t i = 0; i < sums.size(); i += 2, out += 2 * sizeof(T)) {
      T parts[2];
      std::memcpy(parts, out, sizeof parts);
      if (!std::isfinite(parts[0]) || !std::isfinite(parts[1])) std::memcpy(out, &sums[i], sizeof parts);
    }
  }
}

}  // namespace

void mend_rows(Compute pairs, const RowsBlock& block) {
  const FftTable& fft = *kernels().fft;  // its guard's kernels sum a line fastest
  const Compute complex = complex_of(pairs);
  complex == Compute::c64 ? mend<float>(complex, block, fft.f32.sum_line)
                          : mend<double>(complex, block, fft.f64.sum_line);
}

}  // namespace convcorr
