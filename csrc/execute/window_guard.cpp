#include "execute/window_guard.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/checked.h"
#include "dispatch/registry.h"
#include "plan/fft_shape.h"

namespace convcorr {
namespace {

// Sums of `of` neighbours along an axis of [outer][cells][inner]: out[i] = sum of in[i + from .. i + from + of).
void sum_windows(const double* in, index_t outer, index_t cells, index_t inner, index_t from, index_t of,
                 index_t out_cells, double* out) {
  for (index_t o = 0; o < outer; ++o, in += cells * inner, out += out_cells * inner) {
    std::fill_n(out, inner, 0.0);
    for (index_t i = 0; i < of; ++i) {
      for (index_t j = 0; j < inner; ++j) out[j] += in[(from + i) * inner + j];
    }
    for (index_t i = 1; i < out_cells; ++i) {
      const double *added = in + (from + i + of - 1) * inner, *left = in + (from + i - 1) * inner;
      double* to = out + i * inner;  // what cancels is far below what the comparison asks
      for (index_t j = 0; j < inner; ++j) to[j] = std::max(to[j - inner] + (added[j] - left[j]), 0.0);
    }
  }
}

// Whether b goes on where a ends, along one axis.
bool goes_on(const OutputBox& a, const OutputBox& b, int axes, int axis) {
  for (int i = 0; i < axes; ++i) {
    if (i != axis && (a.first[i] != b.first[i] || a.count[i] != b.count[i])) return false;
  }
  return a.first[axis] + a.count[axis] == b.first[axis];
}

// Joins boxes along an axis: strips along the borders come out whole.
void join_boxes(std::vector<OutputBox>& boxes, int axes, int axis) {
  constexpr std::size_t look_back = 16;
  std::vector<OutputBox> joined;
  for (const OutputBox& box : boxes) {
    std::size_t i = joined.size(), stop = i > look_back ? i - look_back : 0;
    while (i > stop && !goes_on(joined[i - 1], box, axes, axis)) --i;
    if (i > stop) {
      joined[i - 1].count[axis] += box.count[axis];
    } else {
      joined.push_back(box);
    }
  }
  boxes.swap(joined);
}

index_t scalar_bytes(const FftPlan& f) { return f.f64() ? 8 : 4; }
index_t lane_count(const FftPlan& f) { return f.lanes_free ? f.row_samples : 1; }

}  // namespace

WindowGuard::CellAxis WindowGuard::cut_axis(const FftPlan& f, int a) {
  const FftAxisPlan& x = f.axis[a];
  const index_t window = x.span + 1;
  index_t cell = std::max<index_t>(window / 5, 1);
  if (!f.lanes_free && f.axes == 1) {  // whole registers, and few enough of them
    const index_t samples = f.lanes / scalars(f.compute);
    cell = std::min(window * 2 / 5, std::max(x.block / 512, 4 * samples));
    cell = cell >= samples ? cell / samples * samples : std::max<index_t>(cell, 1);
  }
  return cells_of(x, cell);
}

// Of a single row's quick look: the longest cells that tell ordinary noise from a quiet window.
WindowGuard::CellAxis WindowGuard::cut_quick(const FftPlan& f) {
  const FftAxisPlan& x = f.axis[0];
  const index_t window = x.span + 1, samples = f.lanes / scalars(f.compute);
  CellAxis axis = cut_axis(f, 0);
  for (const index_t parts : {6, 4, 3, 2}) {
    const index_t cell = window / parts / samples * samples;
    if (cell <= axis.cell) continue;
    const CellAxis longer = cells_of(x, cell);
    const double seen = least_noise_energy(static_cast<double>(longer.of * cell));
    if (seen * f.energy_ratio > 1.5 * static_cast<double>(x.block)) axis = longer;
  }
  return axis;
}

WindowGuard::CellAxis WindowGuard::cells_of(const FftAxisPlan& x, index_t cell) {
  const index_t window = x.span + 1, of = cell > 1 ? window / cell - 1 : window;
  if (of < 1) return {1, x.block, 0, window};
  return {cell, ceil_div(x.block, cell), cell > 1, of};
}

index_t WindowGuard::cell_count(const FftPlan& f) {
  index_t n = f.lanes_free ? f.row_samples : 1;
  for (int a = 0; a < f.axes; ++a) n *= cut_axis(f, a).cells;
  return n;
}

// Of a single row the kernels sum up cells, of several first every sample; a register more to overwrite.
index_t WindowGuard::line_bytes(const FftPlan& f) {
  const index_t scalars = f.tile.columns == 0 ? cut_axis(f, 0).cells : f.row_samples * convcorr::scalars(f.compute);
  return (scalars + f.lanes) * scalar_bytes(f);
}

index_t WindowGuard::bytes(const FftPlan& f) {
  return LineEnergy::bytes(f) + Scratch::padded(2 * cell_count(f) * 8) +
         (f.tile.columns == 0 ? 3 : 1) * Scratch::padded(line_bytes(f)) + Scratch::padded(lane_count(f) * 8) +
         8 * Scratch::line;
}

WindowGuard::WindowGuard(const FftPlan& f, Scratch& scratch) : f_(f), fft_(f.functions()), lines_(f, scratch) {
  for (int a = 0; a < f.axes; ++a) axis_[a] = cut_axis(f, a);
  if (f.tile.columns == 0) quick_axis_ = cut_quick(f);
  lane_cells_ = f.lanes_free ? f.row_samples : axis_[f.axes - 1].cells;
  const index_t n = cell_count(f);
  cells_ = scratch.take<double>(n);
  windows_ = scratch.take<double>(n);
  line_ = scratch.take<char>(line_bytes(f));
  quick_ = f.tile.columns == 0 ? scratch.take<char>(line_bytes(f)) : nullptr;
  quick_sums_ = f.tile.columns == 0 ? scratch.take<char>(line_bytes(f)) : nullptr;
  lane_totals_ = scratch.take<double>(lane_count(f));
}

// Cuts a line of squares into cells; of a single row the kernel has done that already.
template <class T>
void WindowGuard::add_line(const T* line, double* cells) const {
  const int each = scalars(f_.compute);
  const bool cut = f_.tile.columns == 0;
  const index_t step = cut ? 1 : each * (f_.lanes_free ? 1 : axis_[f_.axes - 1].cell);
  const index_t end = cut ? lane_cells_ : f_.row_samples * each;
  for (index_t c = 0, i = 0; c < lane_cells_; ++c) {
    double sum = 0;
    for (const index_t stop = std::min(i + step, end); i < stop; ++i) sum += static_cast<double>(line[i]);
    cells[c] = sum;
  }
}

// Rows within a cell of the columns are summed sample by sample, in the kernels; then each line is cut into cells.
void WindowGuard::sum_rows(const void* const* rows) {
  const index_t scalars_in_row = f_.row_samples * scalars(f_.compute);
  const auto bytes = static_cast<std::size_t>(line_bytes(f_));
  const int columns = f_.tile.columns;
  const auto add = [&](double* cells) {
    f_.f64() ? add_line(reinterpret_cast<const double*>(line_), cells)
             : add_line(reinterpret_cast<const float*>(line_), cells);
  };
  // Cells of the columns in C order; within each, its rows.
  index_t at[max_fft_axes] = {};
  double* cells = cells_;
  for (bool more = true; more; cells += lane_cells_) {
    std::memset(line_, 0, bytes);
    index_t within[max_fft_axes] = {};
    for (bool rows_left = true; rows_left;) {
      index_t r = 0;
      for (int a = 0; a < columns; ++a) r = r * f_.axis[a].block + at[a] * axis_[a].cell + within[a];
      fft_.square_rows(rows + r, 1, scalars_in_row, line_);
      rows_left = false;
      for (int a = columns - 1; a >= 0 && !rows_left; --a) {
        const index_t size = std::min(axis_[a].cell, f_.axis[a].block - at[a] * axis_[a].cell);
        rows_left = ++within[a] < size;
        if (!rows_left) within[a] = 0;
      }
    }
    add(cells);
    more = false;
    for (int a = columns - 1; a >= 0 && !more; --a) {
      more = ++at[a] < axis_[a].cells;
      if (!more) at[a] = 0;
    }
  }
}

// Turns the cells into lower bounds of window energies, axis by axis. Returns how many bounds there are; they end up in
// windows_.
index_t WindowGuard::bound_windows(const TileExtent& tile) {
  index_t cells = cell_count(f_), outer = 1;
  for (int a = 0; a < f_.axes; ++a) {
    const CellAxis& x = axis_[a];
    const index_t inner = cells / (outer * x.cells);
    out_cells_[a] = ceil_div(tile.count[a], x.cell);
    sum_windows(cells_, outer, x.cells, inner, x.from, x.of, out_cells_[a], windows_);
    outer *= out_cells_[a];
    cells = outer * inner;
    std::swap(cells_, windows_);
  }
  std::swap(cells_, windows_);
  return cells;
}

// Squares can vanish where samples don't.
template <class T>
bool WindowGuard::is_zero_lane(const void* const* rows, index_t lane) const {
  const int each = scalars(f_.compute);
  for (index_t r = 0; r < f_.rows; ++r) {
    const T* x = static_cast<const T*>(rows[r]) + lane * each;
    if (x[0] != T(0) || x[each - 1] != T(0)) return false;
  }
  return true;
}

template <class T>
bool WindowGuard::judge(const TileExtent& tile, const void* const* rows) {
  constexpr bool f64 = sizeof(T) == 8;
  const double low = f64 ? 0x1p-600 : 0x1p-60, high = f64 ? 0x1p700 : 0x1p70;
  const index_t lanes = f_.lanes_free ? f_.row_samples : 1, used = f_.lanes_free ? tile.strip_count : 1;
  std::fill_n(lane_totals_, lanes, 0.0);
  for (index_t i = 0, n = cell_count(f_); i < n; ++i) lane_totals_[i % lanes] += cells_[i];
  in_range_ = true;
  for (index_t l = 0; l < used && in_range_; ++l) {
    const double energy = lane_totals_[l];
    in_range_ = (energy >= low && energy <= high) || (lanes > 1 && energy == 0 && is_zero_lane<T>(rows, l));
  }
  total_ = lane_totals_[0];
  if (!in_range_) return false;
  const index_t n = bound_windows(tile);
  if (lanes == 1) {
    const double least = *std::min_element(windows_, windows_ + n);
    return least * f_.energy_ratio >= total_;
  }
  for (index_t i = 0; i < n; ++i) {
    if (i % lanes < used && windows_[i] * f_.energy_ratio < lane_totals_[i % lanes]) return false;
  }
  return true;
}

void WindowGuard::sum_cells(const void* row, index_t low, index_t high, index_t first, index_t end) {
  const index_t cell = axis_[0].cell * scalars(f_.compute), size = scalar_bytes(f_);
  std::memset(line_ + first * size, 0, static_cast<std::size_t>((end - first) * size));
  for (index_t c = first; c < end; ++c) {
    const index_t from = std::max(c * cell, low), to = std::min((c + 1) * cell, high);
    if (from >= to) continue;
    fft_.square_cells(static_cast<const char*>(row) + from * size, to - from, to - from, line_ + c * size);
  }
}

bool WindowGuard::judge_cells(const TileExtent& tile) {
  if (f_.f64()) {
    add_line(reinterpret_cast<const double*>(line_), cells_);
    return judge<double>(tile, nullptr);
  }
  add_line(reinterpret_cast<const float*>(line_), cells_);
  return judge<float>(tile, nullptr);
}

// A quick look at a tile of one row: the windows' bounds in the kernels' own arithmetic.
bool WindowGuard::all_loud_in_row(const void* row, const TileExtent& tile) {
  const CellAxis& x = quick_axis_;
  const int each = scalars(f_.compute);
  const double total = fft_.square_cells(row, f_.row_samples * each, x.cell * each, line_);
  const double low = f_.f64() ? 0x1p-600 : 0x1p-60, high = f_.f64() ? 0x1p700 : 0x1p70;
  if (!(total >= low && total <= high)) return false;
  const index_t first = x.from * scalar_bytes(f_), left = x.cells - x.from;
  std::memcpy(quick_, line_ + first, static_cast<std::size_t>(left * scalar_bytes(f_)));
  const double least = fft_.least_window(quick_, quick_sums_, left, x.of, ceil_div(tile.count[0], x.cell));
  return least * f_.energy_ratio >= total;
}

bool WindowGuard::look(const void* const* rows, const TileExtent& tile) {
  if (f_.tile.columns == 0) {
    if (all_loud_in_row(rows[0], tile)) return true;
    sum_cells(rows[0], 0, f_.row_samples * scalars(f_.compute), 0, axis_[0].cells);
    return judge_cells(tile);
  }
  if (!f_.lanes_free && lines_.all_loud(rows, tile)) return true;
  sum_rows(rows);
  return f_.f64() ? judge<double>(tile, rows) : judge<float>(tile, rows);
}

std::vector<OutputBox> WindowGuard::unsafe(const TileExtent& tile) const {
  const index_t lanes = f_.lanes_free ? f_.row_samples : 1, used = f_.lanes_free ? tile.strip_count : 1;
  std::vector<OutputBox> boxes;
  index_t cells = 1, at[max_fft_axes] = {};
  for (int a = 0; a < f_.axes; ++a) cells *= out_cells_[a];
  bool open = false;  // the last box goes on along the innermost axis
  const int last = f_.axes - 1;
  for (index_t i = 0; i < cells; ++i) {
    bool safe = true;
    for (index_t l = 0; l < used; ++l) safe = safe && windows_[i * lanes + l] * f_.energy_ratio >= lane_totals_[l];
    if (!safe) {
      OutputBox box;
      for (int a = 0; a < f_.axes; ++a) {
        box.first[a] = at[a] * axis_[a].cell;
        box.count[a] = std::min(axis_[a].cell, tile.count[a] - box.first[a]);
      }
      if (open && at[last] > 0) {
        boxes.back().count[last] += box.count[last];
      } else {
        boxes.push_back(box);
      }
    }
    open = !safe;
    for (int a = last; a >= 0; --a) {
      if (++at[a] < out_cells_[a]) break;
      at[a] = 0;
    }
  }
  for (int a = last - 1; a >= 0; --a) join_boxes(boxes, f_.axes, a);
  return boxes;
}

}  // namespace convcorr
