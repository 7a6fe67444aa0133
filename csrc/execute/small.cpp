#include "execute/small.h"

#include <algorithm>
#include <cstring>

#include "base/border.h"
#include "dispatch/registry.h"
#include "execute/load.h"
#include "execute/nonfinite_taps.h"
#include "plan/direct_plan.h"
#include "plan/small.h"
#include "problem/element.h"

namespace convcorr {
namespace {

template <class T, int S>
struct Element {
  T part[S];
};

std::size_t bytes(index_t n) { return static_cast<std::size_t>(n); }

// The positions [offset, offset + length) of an axis: x stands at [low, high) of them, [0, low) and [high, read) are
// its border, and nobody asks for the value of the others.
struct Positions {
  index_t length, read, low, high;

  Positions(const SpatialAxis& a, index_t n)
      : length(n),
        read(a.out + a.kernel - 1),
        low(std::clamp<index_t>(-a.offset, 0, length)),
        high(std::clamp<index_t>(a.in - a.offset, low, length)) {}
};

bool is_zero_border(const Problem& p, const SpatialAxis& a) { return a.border == Border::constant && fill_is_zero(p); }

// Copies what a row of x gives; `clears` zeroes the other positions, else they are zero.
template <bool clears, class E>
void pad_row(const SpatialAxis& a, const Positions& at, const char* x, E* row) {
  constexpr index_t size = sizeof(E);
  if (clears) std::memset(row, 0, bytes(at.low * size));
  if (at.high > at.low) std::memcpy(row + at.low, x + (a.offset + at.low) * size, bytes((at.high - at.low) * size));
  if (clears) std::memset(row + at.high, 0, bytes((at.length - at.high) * size));
}

// The borders of `count` padded rows, each from its row of x; null: the row is outside x, filled already.
template <class E>
void pad_ends(const SpatialAxis& a, const Positions& at, const E& fill, const char* const* x, E* rows, index_t stride,
              index_t count) {
  constexpr index_t size = sizeof(E);
  for (index_t i = 0; i < at.read; ++i) {
    if (i == at.low) i = std::max(i, at.high);
    if (i >= at.read) break;
    const index_t index = border_index(i + a.offset, a.in, a.border);
    for (index_t r = 0; r < count; ++r) {
      if (index < 0) {
        rows[r * stride + i] = fill;
      } else if (x[r]) {
        std::memcpy(&rows[r * stride + i], x[r] + index * size, bytes(size));
      }
    }
  }
}

// A small image with its borders, on zeroed memory.
template <class E>
void pad_image(const Problem& p, const char* x, const E& fill, E* padded, index_t stride) {
  const SpatialAxis &row = p.spatial[0], &lane = p.spatial[1];
  const Positions at(lane, stride);
  const char* sources[small_rows];
  const index_t rows = row.out + row.kernel - 1;
  for (index_t i = 0; i < rows; ++i) {
    const index_t index = border_index(i + row.offset, row.in, row.border);
    sources[i] = index < 0 ? nullptr : x + index * row.x_stride;
    if (sources[i]) {
      pad_row<false>(lane, at, sources[i], padded + i * stride);
    } else if (!fill_is_zero(p)) {
      std::fill_n(padded + i * stride, at.read, fill);
    }
  }
  if (!is_zero_border(p, lane)) pad_ends(lane, at, fill, sources, padded, stride, rows);
}

// One row of taps, flipped and conjugated; adds 0 * tap to `finite`, which an infinite or NaN tap makes NaN.
template <class T, int S>
void pack_row(const Problem& p, const SpatialAxis& a, const char* h, Element<T, S>* taps, T& finite) {
  if (S == 1 && p.h_type != p.sum_type) {
    const index_t last = (a.kernel - 1) * a.h_stride, step = p.flip ? -a.h_stride : a.h_stride;
    load_elements(p.h_type, false, Compute::f32, h + (p.flip ? last : 0), step, a.kernel,
                  reinterpret_cast<char*>(taps));
    for (index_t t = 0; t < a.kernel; ++t) finite += taps[t].part[0] * T(0);
    return;
  }
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

template <class T>
void divide(const Problem& p, T* y) {
  const bool image = p.spatial_count == 2;
  const SpatialAxis& lane = p.spatial[p.spatial_count - 1];
  for (index_t r = 0; r < (image ? p.spatial[0].out : 1); ++r) {
    T* row = reinterpret_cast<T*>(reinterpret_cast<char*>(y) + (image ? r * p.spatial[0].y_stride : 0));
    for (index_t i = 0; i < lane.out; ++i) row[i] /= static_cast<T>(p.divisor);
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
  E fill = {};
  if (!fill_is_zero(p)) write_fill(reinterpret_cast<char*>(&fill), compute, p.fill);
  if (p.spatial_count == 1) {
    pack_row(p, lane, arrays.h, taps, finite);
    const Positions at(lane, stride);
    pad_row<true>(lane, at, arrays.x, padded);
    if (!is_zero_border(p, lane)) pad_ends(lane, at, fill, &arrays.x, padded, stride, 1);
    const TapsTable& kernel = prefers_narrow(compute, lane.kernel) ? *kernels().narrow_taps : *kernels().taps;
    kernel.of[static_cast<int>(compute)](padded, taps, lane.kernel, arrays.y, lane.out);
  } else {
    const SpatialAxis& row = p.spatial[0];
    for (index_t i = 0; i < row.kernel; ++i) {
      const index_t from = p.flip ? row.kernel - 1 - i : i;
      pack_row(p, lane, arrays.h + from * row.h_stride, taps + i * lane.kernel, finite);
    }
    const index_t rows = row.out + row.kernel - 1;
    std::memset(padded, 0, bytes(rows * stride * index_t(sizeof(E))));
    pad_image(p, arrays.x, fill, padded, stride);
    run_blocks(row, lane, padded, stride, taps, arrays.y, compute);
  }
  if (p.divisor != 1) divide(p, reinterpret_cast<T*>(arrays.y));
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
