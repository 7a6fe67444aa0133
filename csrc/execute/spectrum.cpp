#include "execute/spectrum.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/buffer.h"
#include "base/checked.h"
#include "dispatch/registry.h"
#include "execute/load.h"
#include "problem/odometer.h"

namespace convcorr {
namespace {

template <class T>
void negate_imaginary(void* data, index_t n) {
  T* x = static_cast<T*>(data);
  for (index_t i = 0; i < n; ++i) x[2 * i + 1] = -x[2 * i + 1];
}

// Side by side, so that the compiler takes registers of them.
template <class T>
TapsSummary sum_up(const void* data, index_t n) {
  const T* x = static_cast<const T*>(data);
  constexpr int side_by_side = 8;
  T largest[side_by_side] = {};
  T zeros[side_by_side] = {};  // NaN from any NaN or Inf
  index_t i = 0;
  for (; i + side_by_side <= n; i += side_by_side) {
    for (int j = 0; j < side_by_side; ++j) {
      const T magnitude = x[i + j] < T(0) ? -x[i + j] : x[i + j];
      largest[j] = magnitude > largest[j] ? magnitude : largest[j];
      zeros[j] += x[i + j] * T(0);
    }
  }
  for (; i < n; ++i) {
    largest[0] = std::max(largest[0], std::abs(x[i]));
    zeros[0] += x[i] * T(0);
  }
  TapsSummary s;
  for (int j = 0; j < side_by_side; ++j) {
    s.largest = std::max(s.largest, static_cast<double>(largest[j]));
    s.finite = s.finite && zeros[j] == T(0);
  }
  return s;
}

// One row of taps into a row of the block: tap 0 at the start, the others from the end backwards.
template <class T>
void place_row(const FftPlan& f, const T* taps, T factor, T* row) {
  const FftAxisPlan& x = f.axis[f.axes - 1];
  const bool folded = f.tile.folded && f.axes == 1;
  const index_t taps_in_row = f.lanes_free ? 1 : x.axis.kernel;  // free lanes: one tap, in lane 0
  const T far = folded ? -factor : factor;
  if (is_complex(f.compute)) {
    row[0] = factor * taps[0];
    row[1] = factor * taps[1];
    T* end = row + 2 * x.block;
    for (index_t t = 1, step = 2 * x.axis.dilation; t < taps_in_row; ++t) {
      end[-t * step] = far * taps[2 * t];
      end[-t * step + 1] = far * taps[2 * t + 1];
    }
    return;
  }
  row[0] = factor * taps[0];
  T* end = row + x.block;
  if (x.axis.dilation == 1) {
    for (index_t t = 1; t < taps_in_row; ++t) end[-t] = far * taps[t];
  } else {
    for (index_t t = 1; t < taps_in_row; ++t) end[-t * x.axis.dilation] = far * taps[t];
  }
}

index_t row_samples(const FftPlan& f) { return f.lanes_free ? f.lanes : f.row_samples; }

template <class T>
void place(const FftPlan& f, const void* taps, double scale, char* data, const void** rows) {
  const index_t size = itemsize(f.compute), bytes = row_samples(f) * size;
  if (f.tile.columns > 0) {  // most rows have no taps
    std::memset(data, 0, static_cast<std::size_t>(bytes));
    std::fill_n(rows, f.rows, static_cast<const void*>(data));
    data += bytes;
  }
  Odometer at;
  for (int a = 0; a < f.tile.columns; ++a) at.add_axis(f.axis[a].axis.kernel);
  const index_t lane_taps = f.lanes_free ? 1 : f.axis[f.axes - 1].axis.kernel;
  const auto* from = static_cast<const char*>(taps);
  do {
    index_t r = 0;
    for (int a = 0; a < f.tile.columns; ++a) {
      const FftAxisPlan& c = f.axis[a];
      r = r * c.block + (at.at[a] == 0 ? 0 : c.block - at.at[a] * c.axis.dilation);
    }
    std::memset(data, 0, static_cast<std::size_t>(bytes));
    const bool negated = f.tile.folded && f.tile.columns > 0 && at.at[0] > 0;
    place_row<T>(f, reinterpret_cast<const T*>(from), static_cast<T>(negated ? -scale : scale),
                 reinterpret_cast<T*>(data));
    rows[r] = data;
    data += bytes;
    from += lane_taps * size;
  } while (at.next());
}

// Bytes of the rows of a tile that hold taps.
index_t placed_bytes(const FftPlan& f) {
  index_t rows = f.tile.columns > 0;  // and one of zeros
  index_t tap_rows = 1;
  for (int a = 0; a < f.tile.columns; ++a) tap_rows *= f.axis[a].axis.kernel;
  return (rows + tap_rows) * row_samples(f) * itemsize(f.compute);
}

void place_taps(const FftPlan& f, const void* taps, double scale, char* data, const void** rows) {
  scale /= transform_gain(f);
  f.f64() ? place<double>(f, taps, scale, data, rows) : place<float>(f, taps, scale, data, rows);
}

// Free lanes share the spectrum: of a tile one register wide, lane 0 is kept.
template <class T>
void keep_lane_0(const FftPlan& f, const void* tile, void* spectrum) {
  const T* from = static_cast<const T*>(tile);
  T* to = static_cast<T*>(spectrum);
  const index_t rows = f.spectrum_bytes / (2 * static_cast<index_t>(sizeof(T)));
  for (index_t r = 0; r < rows; ++r) {
    to[2 * r] = from[2 * r * f.lanes];
    to[2 * r + 1] = from[(2 * r + 1) * f.lanes];
  }
}

// Taps of a row, tap 0 first, to where they stand in samples [first, ...) of the row turned round.
template <class T>
void spread(const T* taps, index_t tap, index_t n, const FftAxisPlan& x, int each, index_t first, T* out) {
  for (index_t t = tap; t < tap + n; ++t, taps += each) {
    T* to = out + (x.span - t * x.axis.dilation - first) * each;
    for (int i = 0; i < each; ++i) to[i] = taps[i];
  }
}

void conjugate_taps(const Problem& p, const FftPlan& f, void* taps, index_t count) {
  if (p.conjugate && f.compute == Compute::c64) negate_imaginary<float>(taps, count);
  if (p.conjugate && f.compute == Compute::c128) negate_imaginary<double>(taps, count);
}

}  // namespace

double transform_gain(const FftPlan& f) {
  double points = f.tile.folded ? 0.5 : 1;
  for (int a = 0; a < f.axes; ++a) points *= static_cast<double>(f.axis[a].block);
  return points;
}

TapsSummary sum_up_taps(const FftPlan& f, const void* taps, index_t scalars) {
  return f.f64() ? sum_up<double>(taps, scalars) : sum_up<float>(taps, scalars);
}

TapsSummary turn_taps(const Problem& p, const FftPlan& f, const char* row, index_t first, index_t count, void* out) {
  const FftAxisPlan& x = f.axis[f.axes - 1];
  const index_t stride = x.axis.h_stride, dilation = x.axis.dilation, last = x.axis.kernel - 1;
  if (dilation == 1) {
    const index_t at = p.flip ? first : last - first;
    load_elements(p.h_type, p.h_swapped, f.compute, row + at * stride, p.flip ? stride : -stride, count,
                  static_cast<char*>(out));
  } else {
    constexpr index_t chunk = 256;
    alignas(16) char taps[chunk * 16];
    std::memset(out, 0, static_cast<std::size_t>(count * itemsize(f.compute)));
    // Tap t stands at span - t * dilation: those within [first, first + count).
    const index_t end = (x.span - first) / dilation + 1;
    for (index_t t = ceil_div(x.span - first - count + 1, dilation), n; t < end; t += n) {
      n = std::min(chunk, end - t);
      const char* from = row + (p.flip ? last - t : t) * stride;
      load_elements(p.h_type, p.h_swapped, f.compute, from, p.flip ? -stride : stride, n, taps);
      if (f.f64()) {
        spread(reinterpret_cast<const double*>(taps), t, n, x, scalars(f.compute), first, static_cast<double*>(out));
      } else {
        spread(reinterpret_cast<const float*>(taps), t, n, x, scalars(f.compute), first, static_cast<float*>(out));
      }
    }
  }
  conjugate_taps(p, f, out, count);
  return sum_up_taps(f, out, count * scalars(f.compute));
}

TapsSummary load_taps(const Problem& p, const FftPlan& f, const char* h, index_t first, index_t count, void* taps) {
  const int last = f.axes - 1;
  const SpatialAxis& lane = f.axis[last].axis;
  Odometer at;
  for (int a = 0; a < last; ++a) at.add_axis(f.axis[a].axis.kernel);
  at.seek(first / lane.kernel);
  auto* to = static_cast<char*>(taps) + first * itemsize(f.compute);
  void* const start = to;
  for (index_t t = first % lane.kernel, left = count; left > 0; t = 0, at.next()) {
    const index_t n = std::min(left, lane.kernel - t);
    const char* row = h + (p.flip ? lane.kernel - 1 - t : t) * lane.h_stride;
    for (int a = 0; a < last; ++a) {
      const SpatialAxis& s = f.axis[a].axis;
      row += (p.flip ? s.kernel - 1 - at.at[a] : at.at[a]) * s.h_stride;
    }
    load_elements(p.h_type, p.h_swapped, f.compute, row, p.flip ? -lane.h_stride : lane.h_stride, n, to);
    to += n * itemsize(f.compute);
    left -= n;
  }
  conjugate_taps(p, f, start, count);
  return sum_up_taps(f, start, count * scalars(f.compute));
}

double taps_scale(const FftPlan& f, double largest) {
  const double far = f.f64() ? 0x1p300 : 0x1p20;
  if (largest == 0 || (largest < far && largest > 1 / far)) return 1;
  const int most = f.f64() ? 1000 : 110;  // the factor itself must be a number
  return std::ldexp(1.0, std::clamp(-std::ilogb(largest), -most, most));
}

void make_spectrum(const FftPlan& f, const void* taps, double scale, void* spectrum) {
  FftTile tile = f.tile;
  if (f.lanes_free) tile.vectors = tile.pitch = 1;
  const index_t narrow_bytes = f.lanes_free ? f.spectrum_bytes * f.lanes : 0;
  Scratch scratch(Scratch::padded(placed_bytes(f)) + Scratch::padded(f.rows * 8) + Scratch::padded(narrow_bytes) + 256);
  auto* data = scratch.take<char>(placed_bytes(f));
  auto* rows = scratch.take<const void*>(f.rows);
  place_taps(f, taps, scale, data, rows);
  const FftFunctions& fft = f.functions();
  if (!f.lanes_free) return fft.transform(tile, rows, spectrum);
  void* narrow = scratch.take_bytes(narrow_bytes);
  fft.transform(tile, rows, narrow);
  f.f64() ? keep_lane_0<double>(f, narrow, spectrum) : keep_lane_0<float>(f, narrow, spectrum);
}

}  // namespace convcorr
