#include "execute/winograd_transforms.h"

#include <algorithm>

#include "base/checked.h"
#include "execute/load.h"

namespace convcorr {
namespace {

constexpr index_t taps_of_square = 9;

// Squares of taps of out channels [first, first + count), one channel after the other, in the compute type.
void gather_squares(const WinogradCall& call, index_t group, index_t first, index_t count, std::vector<char>& squares) {
  const Problem& p = call.p;
  const index_t size = itemsize(call.w.compute), ins = call.w.ins;
  const SpatialAxis &row = p.spatial[call.w.row_axis], &lane = p.spatial[call.w.lane_axis];
  squares.resize(static_cast<std::size_t>(count * ins * taps_of_square * size));
  char* to = squares.data();
  for (index_t o = first; o < first + count; ++o) {
    for (index_t i = 0; i < ins * row.kernel; ++i, to += lane.kernel * size) {
      const char* from = call.h(group, o) + call.ins[i / row.kernel].h + i % row.kernel * row.h_stride;
      load_elements(p.h_type, p.h_swapped, call.w.compute, from, lane.h_stride, lane.kernel, to);
    }
  }
}

// Transforms out channels [first, first + count) of a group; their rows go to `points` on.
bool transform_rows_of_taps(const WinogradCall& call, index_t group, index_t first, index_t count, char* points) {
  const WinogradPlan& w = call.w;
  const index_t size = itemsize(w.compute);
  std::vector<char> squares;
  bool finite = true;
  for (index_t o = 0; o < count; ++o) {
    const char *h = call.h(group, first + o), *end = call.h_end;
    if (!w.taps_in_place) {
      gather_squares(call, group, first + o, 1, squares);
      h = squares.data();
      end = h + squares.size();
    }
    const index_t groups = ceil_div(w.ins, w.lanes);
    finite &= call.kernels.taps({h, end, taps_of_square, taps_of_square * w.lanes, groups, w.ins, w.lanes, call.p.flip,
                                 points + o * w.tap_row * size, w.tap_point, w.lanes});
  }
  return finite;
}

// The same as panels, turned: `first` is a panel's first out channel.
bool transform_panels_of_taps(const WinogradCall& call, index_t group, index_t first, index_t count, char* points) {
  const WinogradPlan& w = call.w;
  const index_t size = itemsize(w.compute);
  std::vector<char> squares;
  bool finite = true;
  for (index_t o = 0; o < count; o += w.lanes) {
    const index_t some = std::min(w.lanes, count - o);
    const char *h = call.h(group, first + o), *end = call.h_end;
    index_t stride = some > 1 ? call.outs[first + o + 1].h - call.outs[first + o].h : w.ins * taps_of_square * size;
    bool even = w.taps_in_place && stride % size == 0;
    for (index_t i = 1; i < some; ++i) even &= call.outs[first + o + i].h - call.outs[first + o].h == i * stride;
    if (!even) {
      gather_squares(call, group, first + o, some, squares);
      h = squares.data();
      end = h + squares.size();
      stride = w.ins * taps_of_square * size;
    }
    const index_t at = taps_before(w, o) + o % w.outs_at_once;
    finite &= call.kernels.taps({h, end, stride / size, taps_of_square, w.ins, some, 0, call.p.flip, points + at * size,
                                 w.tap_point, w.outs_at_once});
  }
  return finite;
}

}  // namespace

Panel panel_of(const WinogradPlan& w, index_t reg, index_t registers) {
  const index_t first = reg / w.panel_registers * w.panel_registers;
  return {first, std::min<index_t>(w.panel_registers, registers - first)};
}

// Each panel of turned ones has all points, since a job reads them one after the other.
index_t taps_before(const WinogradPlan& w, index_t first) {
  return w.turned ? first / w.outs_at_once * w.points * w.points * w.tap_point : first * w.tap_row;
}

bool transform_taps(const WinogradCall& call, index_t group, index_t first, index_t count, char* points) {
  return call.w.turned ? transform_panels_of_taps(call, group, first, count, points)
                       : transform_rows_of_taps(call, group, first, count, points);
}

void transform_samples(const WinogradCall& call, index_t group, const Tiles& tiles, index_t first, index_t count,
                       char* samples) {
  const WinogradPlan& w = call.w;
  const index_t size = itemsize(w.compute), registers = tiles.registers();
  std::vector<const void*> channels(static_cast<std::size_t>(count));
  for (index_t c = 0; c < count; ++c) channels[c] = call.x(group, first + c);
  std::vector<char> made(static_cast<std::size_t>(made_bytes(w, tiles.most_pieces())));
  std::vector<WinogradRegister> placed(static_cast<std::size_t>(registers));
  for (index_t r = 0; r < registers; ++r) {
    const Panel panel = panel_of(w, r, registers);
    const index_t pitch = panel.registers * w.lanes;
    const index_t at = panel.first_register * w.lanes * w.ins + first * pitch + (r - panel.first_register) * w.lanes;
    placed[r] = {tiles.piece(r), tiles.pieces(r), samples + at * size, pitch, 0};
    if (!w.turned) continue;
    placed[r].panel = samples + (r * w.lanes * w.ins + first * w.row_tile) * size;
    placed[r].channel_stride = w.row_tile;
    placed[r].half_stride = w.lanes > w.row_tile ? w.ins * w.row_tile : 0;
  }
  const auto fill = static_cast<double>(call.p.fill.re);
  if (w.x_in_place) {
    return call.kernels.input({placed.data(), registers, channels.data(), call.x_end, count, fill, w.sample_point});
  }
  const void* rows = made.data();
  for (index_t c = 0; c < count; ++c) {
    for (index_t r = 0; r < registers; ++r) {
      make_rows(call, tiles.placed(r), tiles.pieces(r), static_cast<const char*>(channels[c]), made.data());
      WinogradRegister reg = placed[r];
      reg.panel = static_cast<char*>(reg.panel) + c * reg.channel_stride * size;
      call.kernels.input({&reg, 1, &rows, made.data() + made.size(), 1, fill, w.sample_point});
    }
  }
}

}  // namespace convcorr
