#include "execute/overlap_only.h"

#include <algorithm>

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
  const index_t low = a.offset >= 0 ? 0 : (-a.offset + a.stride - 1) / a.stride;
  const index_t last = a.in - 1 - span - a.offset;  // the last position that tap 0 may have
  const index_t high = last < 0 ? 0 : last / a.stride + 1;
  return {std::min(low, a.out), std::clamp(high, std::min(low, a.out), a.out)};
}

bool contains(const Interior& i, index_t n) { return n >= i.low && n < i.high; }

}  // namespace

void sum_overlap_only(const Problem& p, const Arrays& arrays, const Run& run) {
  if (!fill_is_zero(p) || p.spatial_count == 0) return;
  const Odometer outputs = outputs_of(p);
  const int last = outputs.axes - 1;
  const int first_spatial = outputs.axes - p.spatial_count;
  const index_t row_length = outputs.size[last];
  const Interior ends = interior_of(p.spatial[p.spatial_count - 1]);
  run_jobs(outputs.count() / row_length, run, [&](index_t row, Worker&) {
    Odometer at = outputs;
    at.seek(row * row_length);
    bool inside = true;
    for (int a = 0; a + 1 < p.spatial_count; ++a) {
      inside = inside && contains(interior_of(p.spatial[a]), at.at[first_spatial + a]);
    }
    for (index_t n = 0; n < row_length; ++n) {
      if (inside && n == ends.low) n = ends.high;
      if (n >= row_length) break;
      at.at[last] = n;
      reference_output(p, arrays, at);
    }
  });
}

}  // namespace convcorr
