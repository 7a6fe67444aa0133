#include "execute/line_energy.h"

#include <algorithm>
#include <cstring>

#include "base/checked.h"
#include "dispatch/registry.h"

namespace convcorr {
namespace {

index_t scalar_bytes(const FftPlan& f) { return f.f64() ? 8 : 4; }

// out[i] = sum of lines [i + from, i + from + of) of an axis, [outer][cells][inner] scalars. Running sums: what they
// lose is some roundings of the whole, and thousands of times less than the comparison asks.
template <class T>
void sum_lines(const T* in, index_t outer, index_t cells, index_t inner, index_t from, index_t of, index_t out_cells,
               T* out) {
  for (index_t o = 0; o < outer; ++o, in += cells * inner, out += out_cells * inner) {
    const T* first = in + from * inner;
    std::copy(first, first + inner, out);
    for (index_t c = 1; c < of; ++c) {
      for (index_t j = 0; j < inner; ++j) out[j] += first[c * inner + j];
    }
    for (index_t i = 1; i < out_cells; ++i) {
      T* to = out + i * inner;
      const T *before = to - inner, *added = first + (i + of - 1) * inner, *left = first + (i - 1) * inner;
      for (index_t j = 0; j < inner; ++j) to[j] = before[j] + (added[j] - left[j]);
    }
  }
}

}  // namespace

LineEnergy::ColumnCells LineEnergy::cut_column(const FftAxisPlan& x, int cells_in_window) {
  const index_t window = x.span + 1, cell = std::max<index_t>(window / cells_in_window, 1);
  if (cell == 1) return {1, x.block, 0, window};
  return {cell, ceil_div(x.block, cell), 1, window / cell - 1};
}

index_t LineEnergy::line_count(const FftPlan& f, int cells_in_window) {
  index_t lines = 1;
  for (int a = 0; a < f.tile.columns; ++a) lines *= cut_column(f.axis[a], cells_in_window).cells;
  return lines;
}

index_t LineEnergy::line_scalars(const FftPlan& f) { return f.row_samples * scalars(f.compute) + f.lanes; }

index_t LineEnergy::bytes(const FftPlan& f) {
  if (f.tile.columns == 0 || f.lanes_free) return 0;
  return 2 * Scratch::padded(line_count(f, fine) * line_scalars(f) * scalar_bytes(f)) + 4 * Scratch::line;
}

LineEnergy::LineEnergy(const FftPlan& f, Scratch& scratch)
    : f_(f),
      fft_(f.functions()),
      scalars_(f.row_samples * scalars(f.compute)),
      length_(line_scalars(f)),
      lines_(nullptr),
      sums_(nullptr) {
  if (f.tile.columns == 0 || f.lanes_free) return;
  lines_ = scratch.take<char>(line_count(f, fine) * length_ * scalar_bytes(f));
  sums_ = scratch.take<char>(line_count(f, fine) * length_ * scalar_bytes(f));
}

index_t LineEnergy::line_total() const {
  index_t n = 1;
  for (int a = 0; a < f_.tile.columns; ++a) n *= column_[a].cells;
  return n;
}

void LineEnergy::square_rows(const void* const* rows) {
  const index_t line_bytes = length_ * scalar_bytes(f_);
  std::memset(lines_, 0, static_cast<std::size_t>(line_total() * line_bytes));
  index_t at[max_fft_axes] = {};
  for (index_t r = 0; r < f_.rows; ++r) {
    index_t line = 0;
    for (int a = 0; a < f_.tile.columns; ++a) line = line * column_[a].cells + at[a] / column_[a].cell;
    fft_.square_lanes(rows[r], scalars_, lines_ + line * line_bytes);
    for (int a = f_.tile.columns - 1; a >= 0 && ++at[a] == f_.axis[a].block; --a) at[a] = 0;
  }
}

template <class T>
bool LineEnergy::judge(const TileExtent& tile) {
  T *lines = reinterpret_cast<T*>(lines_), *sums = reinterpret_cast<T*>(sums_);
  index_t count = line_total(), outer = 1;
  double total = 0;
  for (index_t i = 0; i < count; ++i) total += fft_.sum_line(lines + i * length_, scalars_);
  const double low = sizeof(T) == 8 ? 0x1p-600 : 0x1p-60, high = sizeof(T) == 8 ? 0x1p700 : 0x1p70;
  if (!(total >= low && total <= high)) return false;
  for (int a = 0; a < f_.tile.columns; ++a) {
    const ColumnCells& c = column_[a];
    const index_t inner = count / (outer * c.cells), out_cells = ceil_div(tile.count[a], c.cell);
    sum_lines(lines, outer, c.cells, inner * length_, c.from, c.of, out_cells, sums);
    outer *= out_cells;
    count = outer * inner;
    std::swap(lines, sums);
  }
  const int last = f_.axes - 1, each = scalars(f_.compute);
  for (index_t i = 0; i < count; ++i) {
    const double least = fft_.least_window(lines + i * length_, sums, scalars_, (f_.axis[last].span + 1) * each,
                                           (tile.count[last] - 1) * each + 1);
    if (least * f_.energy_ratio < total) return false;
  }
  return true;
}

bool LineEnergy::all_loud(const void* const* rows, const TileExtent& tile, int cells_in_window) {
  for (int a = 0; a < f_.tile.columns; ++a) column_[a] = cut_column(f_.axis[a], cells_in_window);
  square_rows(rows);
  return f_.f64() ? judge<double>(tile) : judge<float>(tile);
}

}  // namespace convcorr
