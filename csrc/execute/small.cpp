#include "execute/small.h"

#include <algorithm>
#include <cstring>

#include "dispatch/registry.h"
#include "execute/nonfinite_taps.h"
#include "plan/small.h"

namespace convcorr {
namespace {

template <class T, int S>
struct Element {
  T part[S];
};

std::size_t bytes(index_t n) { return static_cast<std::size_t>(n); }

// Copies what a row of x gives to positions [offset, offset + length); `clears` zeroes the others, else they are zero.
template <bool clears, class E>
void pad_row(const SpatialAxis& a, const char* x, E* row, index_t length) {
  const index_t low = std::clamp<index_t>(-a.offset, 0, length);
  const index_t high = std::clamp<index_t>(a.in - a.offset, low, length);
  constexpr index_t size = sizeof(E);
  if (clears) std::memset(row, 0, bytes(low * size));
  if (high > low) std::memcpy(row + low, x + (a.offset + low) * size, bytes((high - low) * size));
  if (clears) std::memset(row + high, 0, bytes((length - high) * size));
}

// One row of taps, flipped and conjugated; adds 0 * tap to `finite`, which an infinite or NaN tap makes NaN.
template <class T, int S>
void pack_row(const Problem& p, const SpatialAxis& a, const char* h, Element<T, S>* taps, T& finite) {
  for (index_t t = 0; t < a.kernel; ++t) {
    std::memcpy(&taps[t], h + (p.flip ? a.kernel - 1 - t : t) * a.h_stride, sizeof taps[t]);
    if (S == 2 && p.conjugate) taps[t].part[S - 1] = -taps[t].part[S - 1];
    for (T part : taps[t].part) finite += part * T(0);
  }
}

// All output rows, in blocks that share lines.
template <class E>
void run_blocks(const SpatialAxis& row, const SpatialAxis& lane, const E* padded, index_t stride, const E* taps,
                char* y, Compute compute) {
  const RowsTable& kernel = *kernels().rows;
  const void* lines[small_rows];
  index_t columns[small_taps_bytes / sizeof(E)];
  const index_t rows = row.out + row.kernel - 1;
  for (index_t i = 0; i < rows; ++i) lines[i] = padded + i * stride;
  for (index_t c = 0; c < lane.kernel; ++c) columns[c] = c * scalars(compute);
  const int c = static_cast<int>(compute);
  const bool unrolled = kernel.unrolls_squares[c] && row.kernel == lane.kernel && row.kernel == 3;
  const index_t most = std::min<index_t>(kernel.most_rows[c], unrolled ? row.out : row.kernel + 1);
  for (index_t first = 0; first < row.out; first += most) {
    void* out[8];
    const void* const* plane = lines + first;
    const index_t count = std::min(most, row.out - first);
    for (index_t r = 0; r < count; ++r) out[r] = y + (first + r) * row.y_stride;
    kernel.of[c]({&plane, taps, columns, true, 1, row.kernel, lane.kernel, out, static_cast<int>(count), lane.out});
  }
}

template <class T, int S>
void run(const Problem& p, const Arrays& arrays, Compute compute) {
  using E = Element<T, S>;
  alignas(64) E padded[small_padded_bytes / sizeof(E)];
  E taps[small_taps_bytes / sizeof(E)];
  const SpatialAxis& lane = p.spatial[p.spatial_count - 1];
  const index_t stride = small_row_bytes(lane, sizeof(E)) / index_t(sizeof(E));
  T finite = 0;
  if (p.spatial_count == 1) {
    pack_row(p, lane, arrays.h, taps, finite);
    pad_row<true>(lane, arrays.x, padded, stride);
    kernels().taps->of[static_cast<int>(compute)](padded, taps, lane.kernel, arrays.y, lane.out);
  } else {
    const SpatialAxis& row = p.spatial[0];
    for (index_t i = 0; i < row.kernel; ++i) {
      const index_t from = p.flip ? row.kernel - 1 - i : i;
      pack_row(p, lane, arrays.h + from * row.h_stride, taps + i * lane.kernel, finite);
    }
    const index_t rows = row.out + row.kernel - 1;
    std::memset(padded, 0, bytes(rows * stride * index_t(sizeof(E))));
    for (index_t i = std::max<index_t>(0, -row.offset); i < std::min(rows, row.in - row.offset); ++i) {
      pad_row<false>(lane, arrays.x + (i + row.offset) * row.x_stride, padded + i * stride, stride);
    }
    run_blocks(row, lane, padded, stride, taps, arrays.y, compute);
  }
  if (finite != T(0) && reads_zero_border(p)) sum_nonfinite_taps(p, arrays, Run{}, run_small);
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
