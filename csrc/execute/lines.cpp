#include "execute/lines.h"

#include <algorithm>
#include <cstring>

#include "base/border.h"
#include "dispatch/registry.h"
#include "problem/element.h"
#include "problem/odometer.h"

namespace convcorr {
namespace {

constexpr index_t empty = endless;  // a tag that no position has

void fill_line(char* line, index_t elements, Compute compute, Complex160 fill) {
  const index_t size = itemsize(compute);
  if (fill.re == 0 && fill.im == 0) {
    std::memset(line, 0, static_cast<std::size_t>(elements * size));
    return;
  }
  write_fill(line, compute, fill);
  for (index_t i = 1; i < elements; ++i) std::memcpy(line + i * size, line, static_cast<std::size_t>(size));
}

bool may_read_fill(const DirectPlan& d) {
  bool may = d.lane.border == Border::constant || d.row.border == Border::constant;
  for (int a = 0; a < d.plane_axes; ++a) may = may || d.plane[a].border == Border::constant;
  return may;
}

}  // namespace

Lines::Lines(const Problem& p, const DirectPlan& d, Scratch& scratch)
    : p_(p), d_(d), convert_(*kernels().convert), size_(itemsize(d.compute)) {
  const index_t lines = d.planes * d.ring_lines;
  piece_ = scratch.take<LinePiece>(d.most_pieces);
  columns_ = scratch.take<index_t>(d.lane.kernel);
  bases_ = scratch.take<const char*>(d.planes);
  rows_ = scratch.take<const void*>(lines);
  tags_ = scratch.take<index_t>(lines);
  ring_ = scratch.take<char>(lines * d.line_elements * size_);
  fill_line_ = scratch.take<char>(d.line_elements * size_);
  swapped_ = scratch.take<char>(d.line_elements * size_);
  for (index_t c = 0; c < d.lane.kernel; ++c) {
    const index_t position = c * d.lane.dilation;
    const index_t element = c % d.phases * d.phase_elements + position / d.lane.stride;
    columns_[c] = element * scalars(d.compute);
  }
  if (may_read_fill(d)) fill_line(fill_line_, d.line_elements, d.compute, p.fill);
}

void Lines::start_slice(const char* x, const index_t* at) {
  Odometer plane;
  for (int a = 0; a < d_.channel_axes; ++a) plane.add_axis(d_.channel[a].size);
  for (int a = 0; a < d_.plane_axes; ++a) plane.add_axis(d_.plane[a].kernel);
  for (index_t i = 0; i < d_.planes; ++i, plane.next()) {
    const char* base = x;
    for (int a = 0; a < d_.channel_axes; ++a) base += plane.at[a] * d_.channel[a].x_stride;
    for (int a = 0; a < d_.plane_axes && base; ++a) {
      const SpatialAxis& axis = d_.plane[a];
      const index_t position = at[a] * axis.stride + plane.at[d_.channel_axes + a] * axis.dilation + axis.offset;
      const index_t index = border_index(position, axis.in, axis.border);
      base = index < 0 ? nullptr : base + index * axis.x_stride;
    }
    bases_[i] = base;
  }
}

void Lines::start_band(const Band& band) {
  band_ = band;
  outputs_ = std::max(band.count, d_.register_elements);
  if (band.in_place) return;
  const index_t lines = d_.planes * d_.ring_lines;
  for (index_t i = 0; i < lines; ++i) tags_[i] = empty;
  cut_line();
}

void Lines::cut_line() {
  pieces_ = 0;
  const index_t first = band_.first * d_.lane.stride + d_.lane.offset;
  for (index_t f = 0; f < d_.phases; ++f) {
    cut_phase(first + f * d_.lane.dilation % d_.lane.stride, f * d_.phase_elements);
  }
}

// Cuts a phase, the samples at position, position + stride, ..., where the border's runs begin. `at` is its first
// element.
void Lines::cut_phase(index_t position, index_t at) {
  const index_t stride = d_.lane.stride;
  for (index_t left = outputs_ + d_.lane_span / stride; left > 0;) {
    const BorderRun run = border_run(position, d_.lane.in, d_.lane.border);
    const index_t n = run.length >= endless ? left : std::min(left, (run.length - 1) / stride + 1);
    if (run.index < 0) {
      for (index_t i = 0; i < d_.planes * d_.ring_lines; ++i) {
        std::memcpy(ring_ + (i * d_.line_elements + at) * size_, fill_line_, static_cast<std::size_t>(n * size_));
      }
    } else {
      piece_[pieces_++] = {at, run.index, run.step * stride, n};
    }
    at += n;
    position += n * stride;
    left -= n;
  }
}

const void* const* Lines::block(index_t row, int count) {
  const index_t lines = d_.row.kernel + count - 1;
  const index_t first = row * d_.row.stride + d_.row.offset;
  for (index_t plane = 0; plane < d_.planes; ++plane) {
    for (index_t i = 0; i < lines; ++i) rows_[plane * lines + i] = line(plane, first + i * d_.row.dilation);
  }
  return rows_;
}

const void* Lines::line(index_t plane, index_t position) {
  const char* base = bases_[plane];
  const index_t index = base ? border_index(position, d_.row.in, d_.row.border) : -1;
  if (index < 0) return fill_line_;
  const char* row = base + index * d_.row.x_stride;
  if (band_.in_place) return row + (band_.first + d_.lane.offset) * size_;
  const index_t sequence = position >= 0 ? position / d_.row.dilation : (position + 1) / d_.row.dilation - 1;
  const index_t slot = plane * d_.ring_lines + (sequence % d_.ring_lines + d_.ring_lines) % d_.ring_lines;
  char* made = ring_ + slot * d_.line_elements * size_;
  if (tags_[slot] != position) {
    tags_[slot] = position;
    make_line(row, made);
  }
  return made;
}

void Lines::make_line(const char* row, char* line) {
  for (index_t i = 0; i < pieces_; ++i) {
    const LinePiece& p = piece_[i];
    load(row + p.index * d_.lane.x_stride, p.step * d_.lane.x_stride, p.n, line + p.at * size_);
  }
}

void Lines::load(const char* src, index_t stride, index_t n, char* dst) {
  const load_fn to_compute = convert_.load[static_cast<int>(p_.x_type)][static_cast<int>(d_.compute)];
  const index_t unit = swap_unit(p_.x_type);
  if (!p_.x_swapped || unit == 1) return to_compute(src, stride, n, dst);
  const swap_fn swap = unit == 2 ? convert_.swap2 : unit == 4 ? convert_.swap4 : convert_.swap8;
  const index_t item = itemsize(p_.x_type);
  if (item == unit) {
    swap(src, stride, n, swapped_);
  } else {
    for (index_t i = 0; i < n; ++i) swap(src + i * stride, unit, 2, swapped_ + i * item);
  }
  to_compute(swapped_, item, n, dst);
}

}  // namespace convcorr
