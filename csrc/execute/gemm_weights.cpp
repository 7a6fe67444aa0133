#include "execute/gemm_weights.h"

#include <algorithm>
#include "base/checked.h"
#include "execute/load.h"
#include "problem/odometer.h"

namespace convcorr {
namespace {

// Taps that a single step leads through, from the innermost axis outwards.
struct Stretch {
  int axes;       // the outer ones left
  index_t taps;   // of the stretch
  index_t first;  // bytes to its first tap
  index_t step;   // bytes
};

Stretch stretch_of(const Problem& p, const GemmPlan& g) {
  const auto step = [&](const SpatialAxis& a) { return p.flip ? -a.h_stride : a.h_stride; };
  const SpatialAxis& last = g.axis[g.axes - 1];
  Stretch s = {g.axes - 1, last.kernel, 0, step(last)};
  while (s.axes > 0) {
    const SpatialAxis& a = g.axis[s.axes - 1];
    if (a.kernel > 1 && s.taps > 1 && step(a) != s.step * s.taps) break;
    if (s.taps == 1) s.step = step(a);
    s.taps *= a.kernel;
    --s.axes;
  }
  for (int a = s.axes; a < g.axes; ++a) {
    if (p.flip) s.first += (g.axis[a].kernel - 1) * g.axis[a].h_stride;
  }
  return s;
}

// A row of weights, channel by channel.
void load_row(const Problem& p, const GemmPlan& g, const Stretch& s, const char* h, char* row) {
  const index_t size = itemsize(g.compute);
  if (s.axes == 0 && (g.channels == 1 || g.channel.h_stride == s.step * s.taps)) {
    return load_elements(p.h_type, p.h_swapped, g.compute, h + s.first, s.step, g.depth, row);
  }
  Odometer at;
  for (int a = 0; a < s.axes; ++a) at.add_axis(g.axis[a].kernel);
  for (index_t c = 0; c < g.channels; ++c, h += g.channel.h_stride) {
    do {
      const char* from = h + s.first;
      for (int a = 0; a < s.axes; ++a) {
        from += (p.flip ? g.axis[a].kernel - 1 - at.at[a] : at.at[a]) * g.axis[a].h_stride;
      }
      load_elements(p.h_type, p.h_swapped, g.compute, from, s.step, s.taps, row);
      row += s.taps * size;
    } while (at.next());
  }
}

}  // namespace

void load_weight_row(const Problem& p, const GemmPlan& g, const char* h, char* row) {
  load_row(p, g, stretch_of(p, g), h, row);
}

index_t own_weights_row(const GemmPlan& g) {
  constexpr index_t same_set = 4096, line = 64;
  const index_t size = itemsize(g.compute);
  return (g.depth * size) % same_set == 0 ? g.depth + line / size : g.depth;
}

index_t own_weights_bytes(const GemmPlan& g) {
  return checked_mul(g.rows, checked_mul(own_weights_row(g), itemsize(g.compute)));
}

void load_weight_rows(const Problem& p, const GemmPlan& g, const char* h, index_t first, index_t end, char* rows) {
  const index_t row_bytes = own_weights_row(g) * itemsize(g.compute);
  const Stretch stretch = stretch_of(p, g);
  for (index_t row = first; row < end; ++row) {
    load_row(p, g, stretch, h + row * g.row.h_stride, rows + row * row_bytes);
  }
}

}  // namespace convcorr
