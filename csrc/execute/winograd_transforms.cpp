#include "execute/winograd_transforms.h"

#include <algorithm>
#include <cstring>

#include "base/checked.h"
#include "execute/load.h"

namespace convcorr {
namespace {

index_t taps_of_square(const WinogradPlan& w) { return w.rows.taps * w.lane.taps; }

// Where tap `tap` of an axis stands, in the order in which samples meet them [bytes].
index_t tap_at(const Problem& p, const SpatialAxis& a, index_t tap) {
  return (p.flip ? a.kernel - 1 - tap : tap) * a.h_stride;
}

index_t planes_before(const WinogradCall& call, const Section& section) {
  index_t bytes = 0;
  for (int a = 0; a < call.p.spatial_count; ++a) {
    if (!call.is_tiled(a)) bytes += tap_at(call.p, call.p.spatial[a], section.tap[a]);
  }
  return bytes;
}

// So few that a kernel's call would take longer.
template <class T>
void copy_taps(const char* from, index_t step, index_t count, char* to) {
  for (index_t i = 0; i < count; ++i) std::memcpy(to + i * index_t(sizeof(T)), from + i * step, sizeof(T));
}

// A section's squares of out channels [first, first + count), one channel after the other, in the compute type and in
// the order in which samples meet them. Taps behind the kernel's last ones are zeros.
void gather_squares(const WinogradCall& call, index_t group, const Section& section, index_t first, index_t count,
                    std::vector<char>& squares) {
  const Problem& p = call.p;
  const WinogradPlan& w = call.w;
  const index_t size = itemsize(w.compute);
  const SpatialAxis &row = row_axis_of(p, w), &lane = p.spatial[w.lane_axis];
  const bool native = p.h_type == (w.compute == Compute::f32 ? DType::f32 : DType::f64) && !p.h_swapped;
  const index_t step = p.flip ? -lane.h_stride : lane.h_stride;
  const index_t rows = std::min<index_t>(w.rows.taps, row.kernel - section.row);
  const index_t columns = std::min<index_t>(w.lane.taps, lane.kernel - section.lane);
  squares.assign(static_cast<std::size_t>(count * w.ins * taps_of_square(w) * size), 0);
  char* to = squares.data();
  const index_t before = planes_before(call, section) + tap_at(p, lane, section.lane);
  for (index_t i = 0; i < count * w.ins; ++i, to += taps_of_square(w) * size) {
    const char* const square = call.h(group, first + i / w.ins) + call.ins[i % w.ins].h + before;
    for (index_t a = 0; a < rows; ++a) {
      const char* const from = square + tap_at(p, row, section.row + a);
      char* const row_to = to + a * w.lane.taps * size;
      if (native && size == sizeof(float)) {
        copy_taps<float>(from, step, columns, row_to);
      } else if (native) {
        copy_taps<double>(from, step, columns, row_to);
      } else {
        load_elements(p.h_type, p.h_swapped, w.compute, from, step, columns, row_to);
      }
    }
  }
}

// Squares as kernels read them: where they lie, or gathered. Strides in bytes.
struct Squares {
  const char *taps, *end;
  index_t out_stride, in_stride;
  bool flip;
};

// Of one section of out channels [first, first + count).
Squares squares_of(const WinogradCall& call, index_t group, const Section& section, index_t first, index_t count,
                   std::vector<char>& gathered) {
  const WinogradPlan& w = call.w;
  const index_t size = itemsize(w.compute), square = taps_of_square(w) * size;
  const auto from_first = [&](index_t o) { return call.outs[first + o].h - call.outs[first].h; };
  const index_t stride = count > 1 ? from_first(1) : 0;
  bool even = w.taps_in_place && stride % size == 0;
  for (index_t o = 1; o < count; ++o) even &= from_first(o) == o * stride;
  if (!even) {
    gather_squares(call, group, section, first, count, gathered);
    return {gathered.data(), gathered.data() + gathered.size(), w.ins * square, square, false};
  }
  // Flipped, the square's first tap is the last one that samples meet.
  const Problem& p = call.p;
  const index_t row = section.row + (p.flip ? w.rows.taps - 1 : 0),
                lane = section.lane + (p.flip ? w.lane.taps - 1 : 0);
  const char* const taps = call.h(group, first) + planes_before(call, section) + tap_at(p, row_axis_of(p, w), row) +
                           tap_at(p, p.spatial[w.lane_axis], lane);
  return {taps, call.h_end, stride, w.tap_stride, p.flip};
}

// Transforms out channels [first, first + count) of a group as rows, chunk by chunk.
bool transform_rows_of_taps(const WinogradCall& call, index_t group, index_t first, index_t count, char* points) {
  const WinogradPlan& w = call.w;
  const index_t size = itemsize(w.compute);
  std::vector<char> gathered;
  bool finite = true;
  const index_t chunks = ceil_div(w.ins, w.depth);
  for (index_t o = 0; o < count; ++o) {
    char* row = points + (taps_before(w, first + o) - taps_before(w, first)) * size;
    for (index_t s = 0; s < w.sections; ++s) {
      const Squares of = squares_of(call, group, call.sections[s], first + o, 1, gathered);
      const index_t stride = of.in_stride / size;
      for (index_t c = 0; c < chunks; ++c, row += w.tap_chunk * size) {
        const index_t left = w.ins - c * w.depth, registers = ceil_div(std::min(left, w.depth), w.lanes);
        finite &= call.kernels.taps({of.taps + c * w.depth * of.in_stride, of.end, stride, stride * w.lanes, registers,
                                     left, w.lanes, of.flip, row, w.tap_point, w.lanes});
      }
    }
  }
  return finite;
}

// The same as panels, turned: `first` is a panel's first out channel.
bool transform_panels_of_taps(const WinogradCall& call, index_t group, index_t first, index_t count, char* points) {
  const WinogradPlan& w = call.w;
  const index_t size = itemsize(w.compute);
  std::vector<char> gathered;
  bool finite = true;
  for (index_t o = 0; o < count; o += w.lanes) {
    const index_t some = std::min(w.lanes, count - o);
    for (index_t s = 0; s < w.sections; ++s) {
      const Squares of = squares_of(call, group, call.sections[s], first + o, some, gathered);
      const index_t at = taps_before(w, o) + s * w.ins * w.outs_at_once;
      finite &= call.kernels.taps({of.taps, of.end, of.out_stride / size, of.in_stride / size, w.ins, some, 0, of.flip,
                                   points + at * size, w.tap_point, w.outs_at_once});
    }
  }
  return finite;
}

}  // namespace

Panel panel_of(const WinogradPlan& w, index_t reg, index_t registers) {
  const index_t first = reg / w.panel_registers * w.panel_registers;
  return {first, std::min<index_t>(w.panel_registers, registers - first)};
}

// Turned, out channels are neighbours.
index_t taps_before(const WinogradPlan& w, index_t out) {
  const index_t in_panel = out % w.outs_at_once;
  return out / w.outs_at_once * w.points * w.tap_point + (w.turned ? in_panel : in_panel * w.depth);
}

bool transform_taps(const WinogradCall& call, index_t group, index_t first, index_t count, char* points) {
  return call.w.turned ? transform_panels_of_taps(call, group, first, count, points)
                       : transform_rows_of_taps(call, group, first, count, points);
}

void transform_samples(const WinogradCall& call, index_t group, const Tiles& tiles, index_t section, index_t first,
                       index_t count, char* samples) {
  const WinogradPlan& w = call.w;
  const index_t size = itemsize(w.compute), registers = tiles.registers();
  std::vector<const void*> channels(static_cast<std::size_t>(count));
  for (index_t c = 0; c < count; ++c) channels[c] = call.x(group, first + c);
  const index_t above = section * w.ins + first;  // of the products' rows
  std::vector<char> made(static_cast<std::size_t>(made_bytes(w, tiles.most_pieces())));
  std::vector<WinogradRegister> placed(static_cast<std::size_t>(registers));
  for (index_t r = 0; r < registers; ++r) {
    const Panel panel = panel_of(w, r, registers);
    const index_t pitch = panel.registers * w.lanes;
    const index_t at =
        panel.first_register * w.lanes * w.products + above * pitch + (r - panel.first_register) * w.lanes;
    placed[r] = {tiles.piece(r), tiles.pieces(r), samples + at * size, pitch, 0};
    if (!w.turned) continue;
    placed[r].panel = samples + (r * w.lanes * w.products + above * w.row_tile) * size;
    placed[r].channel_stride = w.row_tile;
    placed[r].half_stride = w.lanes > w.row_tile ? w.products * w.row_tile : 0;
  }
  const auto fill = static_cast<double>(call.p.fill.re);
  if (w.x_in_place) {
    return call.kernels.input({placed.data(), registers, channels.data(), call.x_end, count, fill, w.sample_point});
  }
  const void* rows = made.data();
  for (index_t c = 0; c < count; ++c) {
    for (index_t r = 0; r < registers; ++r) {
      make_rows(call, call.sections[section], tiles.placed(r), tiles.pieces(r), static_cast<const char*>(channels[c]),
                made.data());
      WinogradRegister reg = placed[r];
      reg.panel = static_cast<char*>(reg.panel) + c * reg.channel_stride * size;
      call.kernels.input({&reg, 1, &rows, made.data() + made.size(), 1, fill, w.sample_point});
    }
  }
}

}  // namespace convcorr
