#include "execute/pack.h"

#include <algorithm>
#include <atomic>

#include "base/checked.h"
#include "execute/load.h"
#include "problem/odometer.h"

namespace convcorr {
namespace {

template <class T>
bool all_finite(const void* data, index_t n) {
  const T* x = static_cast<const T*>(data);
  T sum = 0;
  for (index_t i = 0; i < n; ++i) sum += x[i] * T(0);  // NaN from any NaN or Inf
  return sum == T(0);
}

bool all_finite(Compute c, const void* data, index_t n) {
  switch (c) {
    case Compute::f32:
    case Compute::c64:
    case Compute::pair64:
      return all_finite<float>(data, n * scalars(c));
    case Compute::f64:
    case Compute::c128:
    case Compute::pair128:
      return all_finite<double>(data, n * scalars(c));
    default:
      return true;
  }
}

template <class T>
void conjugate(void* data, index_t n) {
  T* x = static_cast<T*>(data);
  for (index_t i = 0; i < n; ++i) x[2 * i + 1] = -x[2 * i + 1];
}

// Byte offset of tap t on an axis.
index_t tap_offset(const Problem& p, const SpatialAxis& a, index_t t) {
  return (p.flip ? a.kernel - 1 - t : t) * a.h_stride;
}

// `count` taps of one row, from tap `first` on.
struct Stretch {
  index_t first, count;
};

void pack_row(const Problem& p, const DirectPlan& d, const char* h, const Odometer& row, Stretch s, char* dst) {
  const char* src = h + tap_offset(p, d.lane, s.first);
  for (int a = 0; a < d.channel_axes; ++a) src += row.at[a] * d.channel[a].h_stride;
  for (int a = 0; a < d.plane_axes; ++a) src += tap_offset(p, d.plane[a], row.at[d.channel_axes + a]);
  src += tap_offset(p, d.row, row.at[row.axes - 1]);
  const index_t stride = p.flip ? -d.lane.h_stride : d.lane.h_stride;
  load_elements(p.h_type, p.h_swapped, d.compute, src, stride, s.count, dst);
  if (!p.conjugate || !is_complex(p.h_type)) return;
  complex_of(d.compute) == Compute::c64 ? conjugate<float>(dst, s.count) : conjugate<double>(dst, s.count);
}

}  // namespace

// Jobs are whole rows of taps, or stretches of long ones: a kernel as large as the data takes as long as a copy of it.
bool pack_taps(const Problem& p, const DirectPlan& d, const char* h, void* packed, Run run) {
  constexpr index_t taps_per_job = 1 << 16;
  constexpr double tap_seconds = 1e-9;
  Odometer rows;
  for (int a = 0; a < d.channel_axes; ++a) rows.add_axis(d.channel[a].size);
  for (int a = 0; a < d.plane_axes; ++a) rows.add_axis(d.plane[a].kernel);
  rows.add_axis(d.row.kernel);
  const index_t count = rows.count(), length = std::min(d.lane.kernel, taps_per_job);
  const index_t stretches = ceil_div(d.lane.kernel, length), rows_per_job = std::max<index_t>(1, taps_per_job / length);
  const index_t size = itemsize(d.compute);
  std::atomic<bool> finite{true};
  run.seconds = static_cast<double>(d.taps) * tap_seconds;
  run_jobs(ceil_div(count, rows_per_job) * stretches, run, [&](index_t number, Worker&) {
    const index_t first_row = number / stretches * rows_per_job, last_row = std::min(first_row + rows_per_job, count);
    const index_t first = number % stretches * length;
    const Stretch s = {first, std::min(length, d.lane.kernel - first)};
    Odometer row = rows;
    row.seek(first_row);
    for (index_t r = first_row; r < last_row; ++r, row.next()) {
      char* dst = static_cast<char*>(packed) + (r * d.lane.kernel + s.first) * size;
      pack_row(p, d, h, row, s, dst);
      if (!all_finite(d.compute, dst, s.count)) finite.store(false, std::memory_order_relaxed);
    }
  });
  return finite.load(std::memory_order_relaxed);
}

}  // namespace convcorr
