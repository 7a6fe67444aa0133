// One of a Problem's arrays as rows along its last spatial axis, and threads at work on stretches of them.
#pragma once

#include <algorithm>

#include "base/checked.h"
#include "execute/parallel.h"
#include "problem/odometer.h"

namespace convcorr {

// Which members of the axes speak of x, of h, or of y.
struct Side {
  index_t OuterAxis::* outer_stride;
  index_t SpatialAxis::* stride;
  index_t SpatialAxis::* size;
};
constexpr Side x_side = {&OuterAxis::x_stride, &SpatialAxis::x_stride, &SpatialAxis::in};
constexpr Side h_side = {&OuterAxis::h_stride, &SpatialAxis::h_stride, &SpatialAxis::kernel};
constexpr Side y_side = {&OuterAxis::y_stride, &SpatialAxis::y_stride, &SpatialAxis::out};

// An axis that doesn't stride through the array has one element in it, whatever its size.
struct ArrayRows {
  Odometer row;  // all axes but the last
  index_t stride[Odometer::max_axes];
  index_t length, step;  // of a row: elements, and bytes between them

  index_t offset(const Odometer& at, index_t first) const {
    index_t bytes = first * step;
    for (int a = 0; a < at.axes; ++a) bytes += at.at[a] * stride[a];
    return bytes;
  }
  index_t count() const { return row.count() * length; }
};

inline ArrayRows rows_of(const Problem& p, const Side& side) {
  ArrayRows r;
  const auto add = [&r](index_t size, index_t stride) {
    r.stride[r.row.axes] = stride;
    r.row.add_axis(stride == 0 ? 1 : size);
  };
  for (int a = 0; a < p.outer_count; ++a) add(p.outer[a].size, p.outer[a].*side.outer_stride);
  for (int a = 0; a < p.spatial_count; ++a) add(p.spatial[a].*side.size, p.spatial[a].*side.stride);
  r.length = r.row.size[--r.row.axes];
  r.step = r.stride[r.row.axes];
  return r;
}

// Sets the strides of contiguous elements of `item` bytes in the rows' order; returns their bytes.
inline index_t lay_out(Problem& p, const Side& side, index_t item) {
  index_t bytes = item;
  const auto take = [&bytes](index_t& stride, index_t size) {
    if (stride == 0) return;
    stride = bytes;
    bytes = checked_mul(bytes, size);
  };
  for (int a = p.spatial_count - 1; a >= 0; --a) take(p.spatial[a].*side.stride, p.spatial[a].*side.size);
  for (int a = p.outer_count - 1; a >= 0; --a) take(p.outer[a].*side.outer_stride, p.outer[a].size);
  return bytes;
}

// visit(row, number, first, n): elements [first, first + n) of a row, of which the first is the array's `number`th.
template <class Visit>
void visit_stretches(const ArrayRows& r, Run run, const Visit& visit) {
  constexpr index_t elements_per_job = 1 << 14;
  constexpr double element_seconds = 2e-9;
  const index_t rows = r.row.count(), length = std::min(r.length, elements_per_job);
  const index_t stretches = ceil_div(r.length, length), rows_per_job = elements_per_job / length;
  run.seconds = static_cast<double>(r.count()) * element_seconds;
  run_jobs(ceil_div(rows, rows_per_job) * stretches, run, [&](index_t job, Worker&) {
    const index_t begin = job / stretches * rows_per_job, end = std::min(begin + rows_per_job, rows);
    const index_t first = job % stretches * length, n = std::min(length, r.length - first);
    Odometer row = r.row;
    row.seek(begin);
    for (index_t i = begin; i < end; ++i, row.next()) visit(row, i * r.length + first, first, n);
  });
}

}  // namespace convcorr
