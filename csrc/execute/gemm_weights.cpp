#include "execute/gemm_weights.h"

#include <algorithm>
#include <cstring>

#include "base/buffer.h"
#include "base/checked.h"
#include "execute/load.h"
#include "execute/turn.h"
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

Stretch stretch_of(const GemmPlan& g, bool flip) {
  const auto step = [&](const SpatialAxis& a) { return flip ? -a.h_stride : a.h_stride; };
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
    if (flip) s.first += (g.axis[a].kernel - 1) * g.axis[a].h_stride;
  }
  return s;
}

// A row of some channels' weights, channel by channel.
void load_row(const Problem& p, const GemmPlan& g, const Stretch& s, bool flip, const char* h, index_t channels,
              char* row) {
  const index_t size = itemsize(g.compute);
  if (s.axes == 0 && (channels == 1 || g.channel.h_stride == s.step * s.taps)) {
    return load_elements(p.h_type, p.h_swapped, g.compute, h + s.first, s.step, channels * g.taps, row);
  }
  Odometer at;
  for (int a = 0; a < s.axes; ++a) at.add_axis(g.axis[a].kernel);
  for (index_t c = 0; c < channels; ++c, h += g.channel.h_stride) {
    do {
      const char* from = h + s.first;
      for (int a = 0; a < s.axes; ++a) {
        from += (flip ? g.axis[a].kernel - 1 - at.at[a] : at.at[a]) * g.axis[a].h_stride;
      }
      load_elements(p.h_type, p.h_swapped, g.compute, from, s.step, s.taps, row);
      row += s.taps * size;
    } while (at.next());
  }
}

}  // namespace

void load_weight_row(const Problem& p, const GemmPlan& g, const char* h, char* row) {
  load_row(p, g, stretch_of(g, p.flip), p.flip, h, g.channels, row);
}

// The last two share what is left, lest the last one be a single register.
index_t out_panels(const GemmPlan& g) { return ceil_div(ceil_div(g.rows, g.lanes), g.vectors); }

OutPanel out_panel(const GemmPlan& g, index_t number) {
  const index_t vectors = ceil_div(g.rows, g.lanes), last = out_panels(g) - 1;
  const bool shares = g.vectors > 2 && last > 0 && vectors % g.vectors == 1;
  index_t first = number * g.vectors, end = std::min(first + g.vectors, vectors);
  if (shares && number == last) --first;
  if (shares && number == last - 1) --end;
  return {first * g.lanes, end - first};
}

index_t own_weights_row(const GemmPlan& g) {
  constexpr index_t same_set = 4096, line = 64;
  const index_t size = itemsize(g.compute);
  return (g.depth * size) % same_set == 0 ? g.depth + line / size : g.depth;
}

index_t own_weights_bytes(const GemmPlan& g) {
  const index_t size = itemsize(g.compute);
  if (g.by_pixels) return checked_mul(ceil_div(g.rows, g.lanes) * g.lanes, checked_mul(g.depth, size));
  return checked_mul(g.rows, checked_mul(own_weights_row(g), size));
}

void load_weight_rows(const Problem& p, const GemmPlan& g, const char* h, index_t first, index_t end, char* rows) {
  const index_t row_bytes = own_weights_row(g) * itemsize(g.compute);
  const Stretch stretch = stretch_of(g, p.flip);
  for (index_t row = first; row < end; ++row) {
    load_row(p, g, stretch, p.flip, h + row * g.row.h_stride, g.channels, rows + row * row_bytes);
  }
}

void turn_weights(const Problem& p, const GemmPlan& g, const char* h, const OutPanel& panel, index_t channel,
                  index_t count, char* to) {
  const index_t size = itemsize(g.compute), width = panel.vectors * g.lanes, n = count * g.taps;
  const index_t rows = std::min(width, g.rows - panel.first);
  const char* const from = h + panel.first * g.row.h_stride + channel * g.channel.h_stride;
  if (g.weights_in_place && rows == width) {
    return turn_matrix(g.compute, from, g.row.h_stride / size, width, n, to, width);
  }
  const Stretch stretch = stretch_of(g, false);
  Scratch scratch(Scratch::padded(width * n * size));
  char* const loaded = scratch.take<char>(width * n * size);
  for (index_t r = 0; r < rows; ++r) {
    load_row(p, g, stretch, false, from + r * g.row.h_stride, count, loaded + r * n * size);
  }
  std::memset(loaded + rows * n * size, 0, static_cast<std::size_t>((width - rows) * n * size));
  turn_matrix(g.compute, loaded, n, width, n, to, width);
}

}  // namespace convcorr
