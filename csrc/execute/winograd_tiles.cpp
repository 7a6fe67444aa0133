#include "execute/winograd_tiles.h"

#include <algorithm>
#include <cstring>

#include "base/border.h"
#include "dispatch/registry.h"
#include "execute/load.h"
#include "problem/element.h"
#include "problem/odometer.h"

namespace convcorr {
namespace {

// Elements of the bias from one index of an outer axis to the next.
index_t bias_stride(const Problem& p, int axis) {
  index_t stride = 1;
  for (int a = axis + 1; a < p.outer_count; ++a) {
    if (p.outer[a].role == Role::group || p.outer[a].role == Role::out_channel) stride *= p.outer[a].size;
  }
  return stride;
}

class Offsets {
 public:
  void add(index_t size, RoleOffset step) {
    at_.add_axis(size);
    step_.push_back(step);
  }

  std::vector<RoleOffset> all() {
    std::vector<RoleOffset> found(static_cast<std::size_t>(at_.count()));
    for (RoleOffset& o : found) {
      o = {};
      for (int a = 0; a < at_.axes; ++a) {
        const RoleOffset& s = step_[a];
        const index_t i = at_.at[a];
        o = {o.x + i * s.x, o.h + i * s.h, o.y + i * s.y, o.bias + i * s.bias};
      }
      at_.next();
    }
    return found;
  }

 private:
  Odometer at_;
  std::vector<RoleOffset> step_;
};

std::vector<RoleOffset> offsets_of(const Problem& p, Role role, const WinogradPlan* images = nullptr) {
  Offsets offsets;
  for (int a = 0; a < p.outer_count; ++a) {
    const OuterAxis& o = p.outer[a];
    const bool biased = role == Role::group || role == Role::out_channel;
    if (o.role == role) offsets.add(o.size, {o.x_stride, o.h_stride, o.y_stride, biased ? bias_stride(p, a) : 0});
  }
  for (int a = 0; a < p.spatial_count && images; ++a) {
    const SpatialAxis& s = p.spatial[a];
    if (a == images->row_axis || a == images->lane_axis) continue;
    offsets.add(s.out, {0, 0, s.y_stride, 0});
  }
  return offsets.all();
}

// Behind the last byte of an array.
const char* end_of(const Problem& p, const char* data, index_t item, bool of_x) {
  index_t bytes = item;
  for (int a = 0; a < p.outer_count; ++a) {
    bytes += std::max<index_t>(0, of_x ? p.outer[a].x_stride : p.outer[a].h_stride) * (p.outer[a].size - 1);
  }
  for (int a = 0; a < p.spatial_count; ++a) {
    const SpatialAxis& s = p.spatial[a];
    bytes += std::max<index_t>(0, of_x ? s.x_stride : s.h_stride) * ((of_x ? s.in : s.kernel) - 1);
  }
  return data + bytes;
}

// In the order in which an image is found: see find_image.
std::vector<Section> sections_of(const Problem& p, const WinogradPlan& w) {
  std::vector<Section> sections(static_cast<std::size_t>(w.sections));
  for (index_t i = 0; i < w.sections; ++i) {
    Section& s = sections[i];
    s = {i / w.lane_sections % w.row_sections * w.rows.taps, i % w.lane_sections * w.lane.taps, {}};
    index_t rest = i / (w.lane_sections * w.row_sections);
    for (int a = p.spatial_count - 1; a >= 0; --a) {
      if (a == w.row_axis || a == w.lane_axis) continue;
      s.tap[a] = rest % p.spatial[a].kernel;
      rest /= p.spatial[a].kernel;
    }
  }
  return sections;
}

// Samples of a made row, and what kernels may read behind them.
index_t made_length(const WinogradPlan& w) {
  return w.lane.outputs * w.lanes + w.lane.taps - 1 + w.lanes + w.lane.outputs;
}

// Samples that some output along an axis reads: those behind them are none of a tile's business, and an infinite one
// among them must not meet its outputs.
index_t read_end(const SpatialAxis& a) { return a.offset + a.out + a.kernel - 1; }

// Where a section's samples of an image begin in a channel [bytes]; no_row: all of them are fills.
index_t plane_of(const WinogradCall& call, const Section& section, index_t image) {
  const Problem& p = call.p;
  index_t at[max_spatial], bytes = call.images[image].x;
  call.find_image(image, at);
  for (int a = 0; a < p.spatial_count; ++a) {
    if (call.is_tiled(a)) continue;
    const SpatialAxis& s = p.spatial[a];
    const index_t index = border_index(at[a] * s.stride + section.tap[a] * s.dilation + s.offset, s.in, s.border);
    if (index < 0) return no_row;
    bytes += index * s.x_stride;
  }
  return bytes;
}

// Which row of x a position along the tiles' rows is; negative: fills.
index_t row_of(const SpatialAxis& row, index_t position) {
  return position < read_end(row) ? border_index(position, row.in, row.border) : -1;
}

void fill_row(const WinogradCall& call, char* to, index_t n) {
  for (index_t i = 0; i < n; ++i) write_fill(to + i * itemsize(call.w.compute), call.w.compute, call.p.fill);
}

// Samples [first, first + needed) of a row along the lane's axis, of the compute type.
void make_row(const WinogradCall& call, const char* from, index_t first, index_t needed, char* to) {
  const WinogradPlan& w = call.w;
  const SpatialAxis& lane = call.p.spatial[w.lane_axis];
  const index_t size = itemsize(w.compute), last = read_end(lane);
  for (index_t i = 0; i < needed;) {
    const BorderRun run = first + i < last ? border_run(first + i, lane.in, lane.border) : BorderRun{-1, 0, endless};
    const index_t n = std::min({run.length, needed - i, first + i < last ? last - first - i : endless});
    if (run.index < 0) {
      fill_row(call, to + i * size, n);
    } else {
      load_elements(call.p.x_type, call.p.x_swapped, w.compute, from + run.index * lane.x_stride,
                    run.step * lane.x_stride, n, to + i * size);
    }
    i += n;
  }
}

}  // namespace

WinogradCall::WinogradCall(const Problem& problem, const WinogradPlan& plan, const Arrays& where)
    : p(problem),
      w(plan),
      arrays(where),
      kernels(winograd_functions(plan.compute, plan.tile)),
      images(offsets_of(problem, Role::batch, &plan)),
      groups(offsets_of(problem, Role::group)),
      ins(offsets_of(problem, Role::in_channel)),
      outs(offsets_of(problem, Role::out_channel)),
      sections(sections_of(problem, plan)),
      x_end(end_of(problem, where.x, itemsize(problem.x_type), true)),
      h_end(end_of(problem, where.h, itemsize(problem.h_type), false)) {
  if (!where.bias) return;
  const index_t item = itemsize(p.y_type), count = w.groups * w.outs;
  bias.resize(static_cast<std::size_t>(count * item));
  for (index_t i = 0; i < count; ++i) {
    const index_t from = groups[i / w.outs].bias + outs[i % w.outs].bias;
    std::memcpy(bias.data() + i * item, where.bias + from * item, static_cast<std::size_t>(item));
  }
  summed_bias.resize(static_cast<std::size_t>(count));
  load_elements(p.y_type, false, w.compute, bias.data(), item, count, reinterpret_cast<char*>(summed_bias.data()));
}

void WinogradCall::find_image(index_t image, index_t* at) const {
  for (int a = p.spatial_count - 1; a >= 0; --a) {
    if (is_tiled(a)) continue;
    at[a] = image % p.spatial[a].out;
    image /= p.spatial[a].out;
  }
}

Tiles::Tiles(const WinogradCall& call, index_t first, index_t count, const Section& section) {
  const WinogradPlan& w = call.w;
  const index_t of_image = w.tile_rows * w.tile_columns, all = w.images * of_image;
  begin_.push_back(0);
  for (index_t r = first; r < first + count; ++r) {
    for (index_t lane = 0, tile = r * w.lanes; lane < w.lanes && tile < all;) {
      const index_t inside = tile % of_image, column = inside % w.tile_columns;
      const index_t tiles = std::min(w.lanes - lane, w.tile_columns - column);
      const PlacedPiece at = {tile / of_image, inside / w.tile_columns, column, tiles, lane};
      placed_.push_back(at);
      describe(call, section, at, static_cast<index_t>(placed_.size()) - 1 - begin_.back());
      lane += tiles;
      tile += tiles;
    }
    begin_.push_back(static_cast<index_t>(placed_.size()));
    most_ = std::max(most_, pieces(r - first));
  }
}

// `number`: of the piece in its register.
void Tiles::describe(const WinogradCall& call, const Section& section, const PlacedPiece& at, index_t number) {
  const WinogradPlan& w = call.w;
  const SpatialAxis &row = row_axis_of(call.p, w), &lane = call.p.spatial[w.lane_axis];
  const index_t m = w.lane.outputs, size = itemsize(w.compute), points = w.rows.points();
  const index_t needed = m * at.tiles + w.lane.taps - 1, first = at.tile_column * m + lane.offset + section.lane;
  const index_t begin = std::clamp<index_t>(-first, 0, needed);
  const index_t end = std::clamp<index_t>(std::min(lane.in, read_end(lane)) - first, begin, needed);
  WinogradPiece piece = {};
  piece.lane = at.lane;
  piece.tiles = at.tiles;
  piece.before = w.x_in_place ? begin : 0;
  piece.present = w.x_in_place ? end - begin : needed;
  const index_t plane = w.x_in_place ? plane_of(call, section, at.image) : 0;
  for (index_t j = 0; j < points; ++j) {
    if (!w.x_in_place) {
      piece.row[j] = (number * points + j) * made_length(w);
      continue;
    }
    const index_t index = row_of(row, at.tile_row * w.rows.outputs + j + row.offset + section.row);
    const bool fills = plane == no_row || index < 0 || piece.present == 0;
    piece.row[j] = fills ? no_row : (plane + index * row.x_stride + (first + begin) * lane.x_stride) / size;
  }
  piece.wanted = std::min(m * at.tiles, lane.out - at.tile_column * m);
  for (index_t a = 0; a < w.rows.outputs; ++a) {
    const index_t y = at.tile_row * w.rows.outputs + a;
    const index_t bytes = call.images[at.image].y + y * row.y_stride + at.tile_column * m * lane.y_stride;
    piece.out_row[a] = y >= row.out   ? no_row
                       : w.y_in_place ? bytes / size
                                      : (number * w.rows.outputs + a) * m * w.lanes;
  }
  pieces_.push_back(piece);
}

index_t made_bytes(const WinogradPlan& w, index_t pieces) {
  return w.x_in_place ? 0 : pieces * w.rows.points() * made_length(w) * itemsize(w.compute);
}

index_t sums_bytes(const WinogradPlan& w, index_t pieces) {
  return w.y_in_place ? 0 : pieces * w.rows.outputs * w.lane.outputs * w.lanes * itemsize(w.compute);
}

void make_rows(const WinogradCall& call, const Section& section, const PlacedPiece* placed, index_t pieces,
               const char* channel, char* rows) {
  const WinogradPlan& w = call.w;
  const SpatialAxis &row = row_axis_of(call.p, w), &lane = call.p.spatial[w.lane_axis];
  const index_t step = made_length(w) * itemsize(w.compute);
  for (index_t k = 0; k < pieces; ++k) {
    const PlacedPiece& at = placed[k];
    const index_t needed = w.lane.outputs * at.tiles + w.lane.taps - 1, plane = plane_of(call, section, at.image);
    for (index_t j = 0; j < w.rows.points(); ++j, rows += step) {
      const index_t index = row_of(row, at.tile_row * w.rows.outputs + j + row.offset + section.row);
      if (index < 0 || plane == no_row) {
        fill_row(call, rows, needed);
        continue;
      }
      const index_t first = at.tile_column * w.lane.outputs + lane.offset + section.lane;
      make_row(call, channel + plane + index * row.x_stride, first, needed, rows);
    }
  }
}

void store_rows(const WinogradCall& call, const PlacedPiece* placed, index_t pieces, const char* rows, char* channel) {
  const WinogradPlan& w = call.w;
  const SpatialAxis &row = row_axis_of(call.p, w), &lane = call.p.spatial[w.lane_axis];
  const index_t m = w.lane.outputs, step = m * w.lanes * itemsize(w.compute);
  const store_fn store = kernels().convert->store[static_cast<int>(w.compute)][static_cast<int>(call.p.y_type)];
  for (index_t k = 0; k < pieces; ++k) {
    const PlacedPiece& at = placed[k];
    const index_t column = at.tile_column * m, wanted = std::min(m * at.tiles, lane.out - column);
    for (index_t a = 0; a < w.rows.outputs; ++a, rows += step) {
      const index_t y = at.tile_row * w.rows.outputs + a;
      if (y >= row.out) continue;
      store(rows, wanted, channel + call.images[at.image].y + y * row.y_stride + column * lane.y_stride, lane.y_stride);
    }
  }
}

}  // namespace convcorr
