#include "execute/cut.h"

#include <algorithm>

namespace convcorr {

Extent extent_of_job(const DirectPlan& d, index_t number) {
  const index_t strip = number % d.strips;
  const index_t rows = number / d.strips % d.row_jobs;
  const index_t slices = number / d.strips / d.row_jobs;
  Extent e;
  e.slice = slices * d.slices_per_job;
  e.last_slice = std::min(e.slice + d.slices_per_job, d.slices);
  e.first = strip * d.strip;
  e.count = std::min(d.strip, d.lane.out - d.overlap - e.first);
  e.row = rows * d.rows_per_job;
  e.rows = std::min(d.rows_per_job, d.row.out - e.row);
  return e;
}

Slice slice_at(const DirectPlan& d, const Arrays& arrays, index_t number) {
  Slice s = {.arrays = arrays, .at = {}};
  for (int a = d.plane_axes - 1; a >= 0; --a) {
    s.at[a] = number % d.plane[a].out;
    number /= d.plane[a].out;
    s.arrays.y += s.at[a] * d.plane[a].y_stride;
  }
  for (int a = d.slice_axes - 1; a >= 0; --a) {
    const index_t i = number % d.slice[a].size;
    number /= d.slice[a].size;
    s.arrays.x += i * d.slice[a].x_stride;
    s.arrays.h += i * d.slice[a].h_stride;
    s.arrays.y += i * d.slice[a].y_stride;
  }
  return s;
}

}  // namespace convcorr
