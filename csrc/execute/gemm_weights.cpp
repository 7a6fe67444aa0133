#include "execute/gemm_weights.h"

#include <algorithm>
#include <cstring>

#include "base/buffer.h"
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

template <class T>
void interleave(const char* rows, index_t depth, int count, char* tile) {
  const T* from = reinterpret_cast<const T*>(rows);
  T* to = reinterpret_cast<T*>(tile);
  for (index_t k = 0; k < depth; ++k, to += count) {
    for (int r = 0; r < count; ++r) to[r] = from[r * depth + k];
  }
}

}  // namespace

void load_weight_row(const Problem& p, const GemmPlan& g, const char* h, char* row) {
  load_row(p, g, stretch_of(p, g), h, row);
}

index_t packed_weights_bytes(const GemmPlan& g) {
  const index_t tile = g.functions().tile_rows;
  return checked_mul(ceil_div(g.rows, tile) * tile, checked_mul(g.depth, itemsize(g.compute)));
}

void pack_weights(const Problem& p, const GemmPlan& g, const char* h, index_t first, index_t end, char* tiles) {
  const index_t size = itemsize(g.compute), row_bytes = g.depth * size;
  const int count = g.functions().tile_rows;
  const Stretch stretch = stretch_of(p, g);
  Scratch scratch(Scratch::padded(count * row_bytes));
  char* const rows = scratch.take<char>(count * row_bytes);
  for (index_t row = first; row < end; row += count) {
    const index_t wanted = std::min<index_t>(count, end - row);
    for (index_t r = 0; r < wanted; ++r) {
      load_row(p, g, stretch, h + (row + r) * g.row.h_stride, rows + r * row_bytes);
    }
    if (wanted < count) {
      std::memset(rows + wanted * row_bytes, 0, static_cast<std::size_t>((count - wanted) * row_bytes));
    }
    char* const tile = tiles + row * row_bytes;
    size == 4 ? interleave<float>(rows, g.depth, count, tile) : interleave<double>(rows, g.depth, count, tile);
  }
}

}  // namespace convcorr
