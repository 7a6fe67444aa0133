#include "execute/pack.h"

#include <algorithm>

#include "base/border.h"
#include "dispatch/registry.h"
#include "problem/element.h"
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
      return all_finite<float>(data, n * scalars(c));
    case Compute::f64:
    case Compute::c128:
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

void load_row(const Problem& p, Compute compute, const char* src, index_t stride, index_t n, char* dst) {
  const ConvertTable& convert = *kernels().convert;
  const load_fn load = convert.load[static_cast<int>(p.h_type)][static_cast<int>(compute)];
  const index_t unit = swap_unit(p.h_type), item = itemsize(p.h_type);
  if (!p.h_swapped || unit == 1) return load(src, stride, n, dst);
  const swap_fn swap = unit == 2 ? convert.swap2 : unit == 4 ? convert.swap4 : convert.swap8;
  for (index_t i = 0; i < n; ++i) {
    char native[16];
    swap(src + i * stride, unit, item / unit, native);
    load(native, item, 1, dst + i * itemsize(compute));
  }
}

// Byte offset of tap t on an axis.
index_t tap_offset(const Problem& p, const SpatialAxis& a, index_t t) {
  return (p.flip ? a.kernel - 1 - t : t) * a.h_stride;
}

}  // namespace

bool pack_taps(const Problem& p, const DirectPlan& d, const char* h, void* packed) {
  Odometer row;
  for (int a = 0; a < d.channel_axes; ++a) row.add_axis(d.channel[a].size);
  for (int a = 0; a < d.plane_axes; ++a) row.add_axis(d.plane[a].kernel);
  row.add_axis(d.row.kernel);
  char* dst = static_cast<char*>(packed);
  const index_t stride = p.flip ? -d.lane.h_stride : d.lane.h_stride;
  do {
    const char* src = h + tap_offset(p, d.lane, 0);
    for (int a = 0; a < d.channel_axes; ++a) src += row.at[a] * d.channel[a].h_stride;
    for (int a = 0; a < d.plane_axes; ++a) src += tap_offset(p, d.plane[a], row.at[d.channel_axes + a]);
    src += tap_offset(p, d.row, row.at[row.axes - 1]);
    load_row(p, d.compute, src, stride, d.lane.kernel, dst);
    dst += d.lane.kernel * itemsize(d.compute);
  } while (row.next());
  if (p.conjugate && d.compute == Compute::c64) conjugate<float>(packed, d.taps);
  if (p.conjugate && d.compute == Compute::c128) conjugate<double>(packed, d.taps);
  return all_finite(d.compute, packed, d.taps);
}

}  // namespace convcorr
