#include "execute/gemm_planes.h"

#include <algorithm>
#include <cstring>

#include "base/border.h"
#include "base/checked.h"
#include "execute/gemm_panels.h"
#include "problem/odometer.h"

namespace convcorr {
namespace {

constexpr index_t slack = 64;  // scalars behind a plane that a panel may read

// From an axis' first sample to its lowest.
index_t lowest(const SpatialAxis& a, index_t unit) { return std::min<index_t>((a.in - 1) * a.x_stride / unit, 0); }

}  // namespace

AxisTaps::AxisTaps(const SpatialAxis& a) {
  for (index_t t = 0; t < a.kernel; ++t) {
    const index_t far = t * a.dilation, rest = far % a.stride;
    const auto known = std::find(phases.begin(), phases.end(), rest);
    phase.push_back(known - phases.begin());
    if (known == phases.end()) phases.push_back(rest);
    shift.push_back(far / a.stride);
    reach = std::max(reach, shift.back());
  }
}

PlaneTaps::PlaneTaps(const GemmPlan& g) : row(g.plane_row), column(g.axis[g.axes - 1]), plane_taps(1) {
  for (int a = 0; a + 2 < g.axes; ++a) plane_taps *= g.axis[a].kernel;
}

Planes::Planes(const Problem& p, const GemmPlan& g, const PlaneTaps& taps)
    : p_(p), g_(g), taps_(taps), unit_(g.native_x ? itemsize(p.x_type) : 1) {}

// Rows are as long as their outputs reach, but for zeros at an end that the next row's first ones can stand for.
void Planes::start(const OutputBlock& block, const index_t* plane_at) {
  block_ = block;
  std::copy_n(plane_at, std::max(g_.axes - 2, 0), plane_at_);
  const SpatialAxis& lane = g_.axis[g_.axes - 1];
  height_ = block.rows + taps_.row.reach;
  const index_t reach = block.columns + taps_.column.reach;
  width_ = reach;
  if (lane.border == Border::constant && height_ > 1) {
    index_t zeros = reach, end = 0;  // at the beginning of every row, and where its samples end
    for (const index_t phase : taps_.column.phases) {
      const index_t first = block.first_column * lane.stride + phase + lane.offset;
      zeros = std::min(zeros, first < 0 ? ceil_div(-first, lane.stride) : 0);
      end = std::max(end, first < lane.in ? ceil_div(lane.in - first, lane.stride) : 0);
    }
    width_ = std::clamp(std::max(reach - zeros, end), block.columns, reach);
  }
  // Channels an odd number of cache lines apart, so that they don't meet in a few sets.
  const index_t line = 64 / itemsize(g_.compute);
  plane_ = ceil_div(height_ * width_ + reach - width_, line) * line;
  if (plane_ / line % 2 == 0) plane_ += line;
  padded_ = g_.native_x && lane.border == Border::constant && g_.plane_row.border == Border::constant;
  padded_ ? find_padded() : find_pieces();
  find_offsets();
}

index_t Planes::bytes() const {
  return (taps_.groups() * g_.channels_per_chunk * plane_ + slack) * itemsize(g_.compute);
}

void Planes::find_row_pieces(index_t phase, std::vector<PanelPiece>& pieces) const {
  const SpatialAxis& lane = g_.axis[g_.axes - 1];
  const index_t sample = lane.x_stride / unit_, low = lowest(lane, unit_);
  for (index_t at = 0; at < width_;) {
    const index_t position = (block_.first_column + at) * lane.stride + phase + lane.offset;
    const BorderRun run = border_run(position, lane.in, lane.border);
    const index_t n = std::min(width_ - at, ceil_div(run.length, lane.stride));
    if (run.index < 0) {
      pieces.push_back({at, n, -1, 0});
    } else {
      pieces.push_back({at, n, run.index * sample - low, run.step * lane.stride * sample});
    }
    at += n;
  }
}

// Bytes from the image's lowest sample to the plane that a tap of the other axes sees.
index_t Planes::find_plane(const index_t* tap) const {
  index_t x = -g_.x_low;
  for (int a = 0; a + 2 < g_.axes; ++a) {
    const SpatialAxis& s = g_.axis[a];
    const index_t i = border_index(plane_at_[a] * s.stride + tap[a] * s.dilation + s.offset, s.in, s.border);
    if (i < 0) return outside;
    x += i * s.x_stride;
  }
  return x;
}

namespace {

// Positions [first, end) of `count`, each `stride` samples after the one before, lie in an axis of n samples.
struct Inside {
  index_t first, end;
  Inside(index_t position, index_t stride, index_t count, index_t n)
      : first(position < 0 ? std::min(ceil_div(-position, stride), count) : 0),
        end(position < n ? std::min(ceil_div(n - position, stride), count) : 0) {}
};

}  // namespace

void Planes::find_padded() {
  groups_.clear();
  const SpatialAxis &row = g_.plane_row, &lane = g_.axis[g_.axes - 1];
  const index_t reach = block_.columns + taps_.column.reach;
  Odometer tap;
  for (int a = 0; a + 2 < g_.axes; ++a) tap.add_axis(g_.axis[a].kernel);
  do {
    const index_t plane_x = find_plane(tap.at);
    const bool plane_inside = plane_x != outside;
    for (const index_t row_phase : taps_.row.phases) {
      const index_t top = block_.first_row * row.stride + row_phase + row.offset;
      const Inside rows(top, row.stride, plane_inside ? height_ : 0, row.in);
      for (const index_t phase : taps_.column.phases) {
        const index_t left = block_.first_column * lane.stride + phase + lane.offset;
        const Inside columns(left, lane.stride, width_, lane.in);
        PaddedRows group = {};
        group.from = (plane_x + (top + rows.first * row.stride) * row.x_stride +
                      (left + columns.first * lane.stride) * lane.x_stride) /
                     unit_;
        group.row_step = row.stride * row.x_stride / unit_;
        group.step = lane.stride * lane.x_stride / unit_;
        group.first = rows.first;
        group.end = rows.end;
        group.at = columns.first;
        group.n = columns.end - columns.first;
        group.width = width_;
        group.length = height_ * width_ + reach - width_;
        groups_.push_back(group);
      }
    }
  } while (tap.next());
}

// For each group of planes, for each row: pieces whose `from` counts from the image's lowest sample.
void Planes::find_pieces() {
  pieces_.clear();
  first_piece_.clear();
  const SpatialAxis& row_axis = g_.plane_row;
  const index_t left = block_.columns + taps_.column.reach - width_;
  Odometer tap;
  for (int a = 0; a + 2 < g_.axes; ++a) tap.add_axis(g_.axis[a].kernel);
  std::vector<std::vector<PanelPiece>> row_pieces(taps_.column.phases.size());
  for (std::size_t i = 0; i < row_pieces.size(); ++i) find_row_pieces(taps_.column.phases[i], row_pieces[i]);
  do {
    const index_t plane_x = find_plane(tap.at);
    const bool plane_inside = plane_x != outside;
    for (const index_t row_phase : taps_.row.phases) {
      for (const auto& of_row : row_pieces) {
        for (index_t r = 0; r < height_; ++r) {
          first_piece_.push_back(static_cast<index_t>(pieces_.size()));
          const index_t position = (block_.first_row + r) * row_axis.stride + row_phase + row_axis.offset;
          const index_t i = border_index(position, row_axis.in, row_axis.border);
          if (!plane_inside || i < 0) {
            pieces_.push_back({0, width_, -1, 0});
          } else {
            const index_t x = (plane_x + i * row_axis.x_stride) / unit_ + lowest(g_.axis[g_.axes - 1], unit_);
            for (PanelPiece piece : of_row) {
              if (piece.from >= 0) piece.from += x;
              pieces_.push_back(piece);
            }
          }
          if (r == height_ - 1 && left > 0) pieces_.push_back({width_, left, -1, 0});
        }
      }
    }
  } while (tap.next());
  first_piece_.push_back(static_cast<index_t>(pieces_.size()));
}

void Planes::find_offsets() {
  const auto n = static_cast<std::size_t>(g_.channels_per_chunk * g_.taps);
  offsets_.resize(n);
  const index_t row_taps = g_.plane_row.kernel, column_taps = g_.axis[g_.axes - 1].kernel;
  const auto row_phases = static_cast<index_t>(taps_.row.phases.size());
  const auto column_phases = static_cast<index_t>(taps_.column.phases.size());
  for (std::size_t k = 0; k < n; ++k) {
    const index_t t = static_cast<index_t>(k) % g_.taps, c = static_cast<index_t>(k) / g_.taps;
    const auto column = static_cast<std::size_t>(t % column_taps),
               row = static_cast<std::size_t>(t / column_taps % row_taps);
    const index_t plane_tap = t / column_taps / row_taps;
    const index_t group = (plane_tap * row_phases + taps_.row.phase[row]) * column_phases + taps_.column.phase[column];
    offsets_[k] =
        (group * g_.channels_per_chunk + c) * plane_ + taps_.row.shift[row] * width_ + taps_.column.shift[column];
  }
}

void Planes::clear_slack(char* memory) const {
  const index_t size = itemsize(g_.compute), samples = taps_.groups() * g_.channels_per_chunk * plane_;
  std::memset(memory + samples * size, 0, static_cast<std::size_t>(slack * size));
}

void Planes::make(const char* x, const char* x_end, index_t count, char* memory) const {
  const index_t size = itemsize(g_.compute), groups = taps_.groups();
  for (index_t group = 0; group < groups; ++group) {
    char* const to = memory + group * g_.channels_per_chunk * plane_ * size;
    const index_t stride = g_.channel.x_stride;
    if (padded_) {
      PaddedRows rows = groups_[static_cast<std::size_t>(group)];
      rows.x = x;
      rows.x_end = x_end;
      rows.channels = count;
      rows.channel_stride = stride / unit_;
      rows.planes = to;
      rows.plane_step = plane_;
      g_.functions().pad(rows);
      continue;
    }
    PanelRows rows = {
        pieces_.data(), first_piece_.data() + group * height_, height_, count, stride, x, x_end, to, width_, plane_};
    pack_rows(p_, g_, rows);
  }
}

}  // namespace convcorr
