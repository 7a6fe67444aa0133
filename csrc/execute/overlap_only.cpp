#include "execute/overlap_only.h"

#include <algorithm>

#include "base/checked.h"
#include "plan/cost.h"
#include "problem/reference.h"

namespace convcorr {
namespace {

// Outputs [low, high) of an axis read no sample outside x.
struct Interior {
  index_t low, high;
};

Interior interior_of(const SpatialAxis& a) {
  if (a.border != Border::constant) return {0, a.out};
  const index_t span = (a.kernel - 1) * a.dilation;
  const index_t low = a.offset >= 0 ? 0 : ceil_div(-a.offset, a.stride);
  const index_t last = a.in - 1 - span - a.offset;  // the last position that tap 0 may have
  const index_t high = last < 0 ? 0 : last / a.stride + 1;
  return {std::min(low, a.out), std::clamp(high, std::min(low, a.out), a.out)};
}

// The last axis' outputs that a row of outputs needs again: all but [low, high).
struct Ends {
  index_t length, low, high;

  index_t count() const { return length - (high - low); }
  index_t at(index_t i) const { return i < low ? i : i + (high - low); }
};

Ends ends_of(const Problem& p, const Odometer& row, int first_spatial) {
  bool inside = true;
  for (int a = 0; a + 1 < p.spatial_count; ++a) {
    const Interior i = interior_of(p.spatial[a]);
    const index_t n = row.at[first_spatial + a];
    inside = inside && n >= i.low && n < i.high;
  }
  const SpatialAxis& last = p.spatial[p.spatial_count - 1];
  const Interior i = interior_of(last);
  return inside ? Ends{last.out, i.low, i.high} : Ends{last.out, 0, 0};
}

}  // namespace

// Jobs are stretches of rows: short enough to be stopped, and each row is cut alike, so that a job knows its place.
void sum_overlap_only(const Problem& p, const Arrays& arrays, Run run) {
  if (!fill_is_zero(p) || p.spatial_count == 0) return;
  const Odometer outputs = outputs_of(p);
  const int last = outputs.axes - 1, first_spatial = outputs.axes - p.spatial_count;
  const index_t length = outputs.size[last], rows = outputs.count() / length;
  const double output_seconds = tap_count(p) * cost_model().reference_product;
  constexpr double job_seconds = 1e-3;
  const auto stretch = static_cast<index_t>(std::clamp(job_seconds / output_seconds, 1.0, static_cast<double>(length)));
  const index_t stretches = ceil_div(length, stretch);
  run.seconds = output_seconds * output_count(p);
  run_jobs(checked_mul(rows, stretches), run, [&](index_t number, Worker&) {
    Odometer at = outputs;
    at.seek(number / stretches * length);
    const Ends ends = ends_of(p, at, first_spatial);
    const index_t first = number % stretches * stretch, end = std::min(first + stretch, ends.count());
    for (index_t i = first; i < end; ++i) {
      at.at[last] = ends.at(i);
      reference_output(p, arrays, at);
    }
  });
}

}  // namespace convcorr
