#include "execute/lines.h"

#include <algorithm>
#include <cstring>

#include "base/border.h"
#include "execute/load.h"
#include "problem/element.h"
#include "problem/odometer.h"

namespace convcorr {
namespace {

void fill_elements(char* line, index_t elements, Compute compute, Complex160 fill) {
  const index_t size = itemsize(compute);
  if (fill.re == 0 && fill.im == 0) {
    std::memset(line, 0, static_cast<std::size_t>(elements * size));
    return;
  }
  for (index_t i = 0; i < elements; ++i) write_fill(line + i * size, compute, fill);
}

const char nothing = 0;  // its address is no plane's

index_t floor_div(index_t a, index_t b) { return a >= 0 ? a / b : (a + 1) / b - 1; }
index_t floor_mod(index_t a, index_t b) { return a - floor_div(a, b) * b; }

// The border's run at a position of the lane. Where the lane is made of groups, the rule counts groups, and a run that
// doesn't go forwards ends with its group.
BorderRun lane_run(const DirectPlan& d, index_t position) {
  if (d.group == 1) return border_run(position, d.lane.in, d.lane.border);
  const index_t at = floor_div(position, d.group), inside = position - at * d.group;
  const BorderRun run = border_run(at, d.lane.in / d.group, d.lane.border);
  if (run.length >= endless && run.index < 0) return run;
  const index_t groups = run.step == 1 || run.index < 0 ? run.length : 1;
  return {run.index < 0 ? -1 : run.index * d.group + inside, 1, groups * d.group - inside};
}

}  // namespace

Lines::Lines(const Problem& p, const DirectPlan& d, Scratch& scratch)
    : p_(p), d_(d), size_(itemsize(d.compute)), fill_(p.fill) {
  if (is_pair(d.compute) && !is_complex(p.x_type)) fill_.im = fill_.re;  // as a sample of x is loaded
  piece_ = scratch.take<LinePiece>(d.most_pieces);
  columns_ = scratch.take<index_t>(d.lane.kernel);
  bases_ = scratch.take<const char*>(d.planes);
  plane_slots_ = scratch.take<index_t>(d.planes);
  kept_ = scratch.take<const char*>(d.planes);
  planes_ = scratch.take<const void* const*>(d.planes);
  rows_ = scratch.take<const void*>(d.planes * d.table_lines);
  row_indices_ = scratch.take<index_t>(d.table_lines);
  row_slots_ = scratch.take<index_t>(d.table_lines);
  made_from_ = scratch.take<const char*>(d.planes * d.ring_lines);
  ring_ = scratch.take<char>(d.planes * d.ring_lines * d.line_elements * size_);
  fill_line_ = scratch.take<char>(d.line_elements * size_);
}

void Lines::start_slice(const char* x, const index_t* at) {
  Odometer plane;
  for (int a = 0; a < d_.channel_axes; ++a) plane.add_axis(d_.channel[a].size);
  for (int a = 0; a < d_.plane_axes; ++a) plane.add_axis(d_.plane[a].kernel);
  for (index_t i = 0; i < d_.planes; ++i, plane.next()) {
    const char* base = x;
    plane_slots_[i] = i;
    for (int a = 0; a < d_.channel_axes; ++a) base += plane.at[a] * d_.channel[a].x_stride;
    for (int a = 0; a < d_.plane_axes && base; ++a) {
      const SpatialAxis& axis = d_.plane[a];
      const index_t position = at[a] * axis.stride + plane.at[d_.channel_axes + a] * axis.dilation + axis.offset;
      const index_t index = border_index(position, axis.in, axis.border);
      base = index < 0 ? nullptr : base + index * axis.x_stride;
      // The last axis' planes go round: what lies under tap t + 1 of a slice lies under tap t of the next, and stays.
      if (a == d_.plane_axes - 1) {
        plane_slots_[i] = i - i % axis.kernel + floor_mod(floor_div(position, axis.dilation), axis.kernel);
      }
    }
    bases_[i] = base;
  }
}

void Lines::start_band(const Band& band) {
  if (band_.first == band.first && band_.count == band.count) return;  // the ring's lines are this band's
  band_ = band;
  outputs_ = std::max(band.count, d_.register_elements);
  // Of one row only where another kernel than the 1-D one may read it.
  if (!d_.one_row || d_.settled || is_pair(d_.compute)) place_columns();
  if (band.in_place) return;
  std::fill_n(made_from_, d_.planes * d_.ring_lines, nullptr);
  std::fill_n(kept_, d_.planes, &nothing);
  cut_line();
}

// Where each lane tap's samples begin in a line.
void Lines::place_columns() {
  for (index_t c = 0; c < d_.lane.kernel; ++c) {
    const index_t position = c * d_.lane.dilation;
    index_t element = position;
    if (!band_.in_place) element = c % d_.phases * d_.phase_elements;
    if (!band_.in_place && !d_.phase_per_tap) element += position / d_.lane.stride;
    columns_[c] = element * scalars(d_.compute);
  }
}

void Lines::cut_line() {
  pieces_ = 0;
  const index_t first = band_.first * d_.lane.stride + d_.lane.offset;
  for (index_t f = 0; f < d_.phases; ++f) {
    const index_t position = f * d_.lane.dilation;
    cut_phase(first + (d_.phase_per_tap ? position : position % d_.lane.stride), f * d_.phase_elements);
  }
}

// Cuts a phase, the samples at position, position + stride, ..., where the border's runs begin. `at` is its first
// element.
void Lines::cut_phase(index_t position, index_t at) {
  const index_t stride = d_.lane.stride;
  for (index_t left = d_.phase_per_tap ? outputs_ : outputs_ + d_.lane_span / stride; left > 0;) {
    const BorderRun run = lane_run(d_, position);
    const index_t n = run.length >= endless ? left : std::min(left, (run.length - 1) / stride + 1);
    if (run.index < 0) {
      for (index_t i = 0; i < d_.planes * d_.ring_lines; ++i) {
        fill_elements(ring_ + (i * d_.line_elements + at) * size_, n, d_.compute, fill_);
      }
    } else {
      piece_[pieces_++] = {at, run.index, n > 1 ? run.step * stride : 0, n};
    }
    at += n;
    left -= n;
    if (left > 0) position += n * stride;
  }
}

void Lines::find_rows(index_t row, index_t count) {
  index_t position = row * d_.row.stride + d_.row.offset;
  index_t slot = floor_mod(floor_div(position, d_.row.dilation), d_.ring_lines);
  for (index_t i = 0; i < count; ++i, position += d_.row.dilation) {
    const index_t index = border_index(position, d_.row.in, d_.row.border);
    row_indices_[i] = index;
    row_slots_[i] = slot;
    if (++slot == d_.ring_lines) slot = 0;
  }
}

void Lines::keep_planes(index_t row, index_t rows) {
  first_row_ = row;
  for (index_t plane = 0; plane < d_.planes; ++plane) {
    const index_t slot = plane_slots_[plane];
    if (kept_[slot] == bases_[plane]) continue;
    kept_[slot] = bases_[plane];
    make_plane(slot, row, rows + d_.row.kernel - 1);
  }
}

void Lines::make_plane(index_t slot, index_t row, index_t lines) {
  const void** table = rows_ + slot * d_.ring_lines;
  if (!kept_[slot]) {
    std::fill_n(table, lines, fill_line());
    return;
  }
  find_rows(row, lines);
  for (index_t i = 0; i < lines; ++i) {
    if (row_indices_[i] < 0) {
      table[i] = fill_line();
      continue;
    }
    char* made = ring_ + (slot * d_.ring_lines + i) * d_.line_elements * size_;
    make_line(kept_[slot] + row_indices_[i] * d_.row.x_stride, made);
    table[i] = made;
  }
}

const void* const* const* Lines::block(index_t row, int count) {
  if (d_.shares_planes) {
    for (index_t plane = 0; plane < d_.planes; ++plane) {
      planes_[plane] = rows_ + plane_slots_[plane] * d_.ring_lines + (row - first_row_);
    }
    return planes_;
  }
  const index_t lines = d_.row.kernel + count - 1;
  find_rows(row, lines);
  for (index_t plane = 0; plane < d_.planes; ++plane) {
    const void** rows = rows_ + plane * lines;
    planes_[plane] = rows;
    if (!bases_[plane]) {
      std::fill_n(rows, lines, fill_line());
    } else if (band_.in_place) {
      point_in_place(bases_[plane], lines, rows);
    } else {
      point_in_ring(plane, lines, rows);
    }
  }
  return planes_;
}

void Lines::point_in_place(const char* base, index_t lines, const void** rows) {
  base += (band_.first + d_.lane.offset) * size_;
  for (index_t i = 0; i < lines; ++i) {
    rows[i] = row_indices_[i] < 0 ? fill_line() : base + row_indices_[i] * d_.row.x_stride;
  }
}

void Lines::point_in_ring(index_t plane, index_t lines, const void** rows) {
  const char* base = bases_[plane];
  const index_t first = plane_slots_[plane] * d_.ring_lines, bytes = d_.line_elements * size_;
  for (index_t i = 0; i < lines; ++i) {
    if (row_indices_[i] < 0) {
      rows[i] = fill_line();
      continue;
    }
    const char* row = base + row_indices_[i] * d_.row.x_stride;
    const index_t slot = first + row_slots_[i];
    char* made = ring_ + slot * bytes;
    if (made_from_[slot] != row) {
      made_from_[slot] = row;
      make_line(row, made);
    }
    rows[i] = made;
  }
}

const void* Lines::fill_line() {
  if (!fill_line_made_) fill_elements(fill_line_, d_.line_elements, d_.compute, fill_);
  fill_line_made_ = true;
  return fill_line_;
}

void Lines::make_line(const char* row, char* line) {
  for (index_t i = 0; i < pieces_; ++i) {
    const LinePiece& p = piece_[i];
    load_elements(p_.x_type, p_.x_swapped, d_.compute, row + p.index * d_.lane.x_stride, p.step * d_.lane.x_stride, p.n,
                  line + p.at * size_);
  }
}

}  // namespace convcorr
