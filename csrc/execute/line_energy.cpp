#include "execute/line_energy.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "base/checked.h"
#include "dispatch/registry.h"
#include "plan/fft_shape.h"
#include "problem/odometer.h"

namespace convcorr {
namespace {

index_t scalar_bytes(const FftPlan& f) { return f.f64() ? 8 : 4; }

// Of `length` samples under output n and on: a constant border is quiet.
double share_in_x(const FftAxisPlan& x, index_t n, index_t length) {
  if (x.axis.border != Border::constant) return 1;
  const index_t position = n + x.axis.offset;
  const index_t inside = std::min(position + length, x.axis.in) - std::max<index_t>(position, 0);
  return static_cast<double>(std::max<index_t>(inside, 0)) / static_cast<double>(length);
}

}  // namespace

LineEnergy::ColumnCells LineEnergy::cut_column(const FftAxisPlan& x, int cells_in_window) {
  const index_t window = x.span + 1, cell = std::max<index_t>(window / cells_in_window, 1);
  if (cell == 1) return {1, x.block, 0, cells_in_window == coarse ? 1 : window};
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

void LineEnergy::cut(int cells_in_window) {
  for (int a = 0; a < f_.tile.columns; ++a) column_[a] = cut_column(f_.axis[a], cells_in_window);
}

// Along the lane axis: the longest that every window contains, of whole registers or a power of two.
index_t LineEnergy::lane_cell() const {
  const index_t half = ((f_.axis[f_.axes - 1].span + 1) * scalars(f_.compute) + 1) / 2;
  return half >= f_.lanes ? half / f_.lanes * f_.lanes : static_cast<index_t>(std::bit_floor(std::size_t(half)));
}

// Sums the squares of each line's rows. False where energies aren't what squares can tell.
bool LineEnergy::square_rows(const void* const* rows) {
  const index_t line_bytes = length_ * scalar_bytes(f_);
  const int inner = f_.tile.columns - 1;
  const ColumnCells& runs = column_[inner];
  index_t lines = 1, at[max_fft_axes] = {};
  for (int a = 0; a <= inner; ++a) lines *= column_[a].cells;
  std::memset(lines_, 0, static_cast<std::size_t>(lines * line_bytes));
  total_ = 0;
  for (index_t r = 0; r < f_.rows; r += f_.axis[inner].block) {
    index_t line = 0;
    for (int a = 0; a < inner; ++a) line = line * column_[a].cells + at[a] / column_[a].cell;
    for (index_t i = 0; i < runs.cells; ++i) {
      const index_t first = i * runs.cell, count = std::min(runs.cell, f_.axis[inner].block - first);
      total_ += fft_.square_rows(rows + r + first, count, scalars_, lines_ + (line * runs.cells + i) * line_bytes);
    }
    for (int a = inner - 1; a >= 0 && ++at[a] == f_.axis[a].block; --a) at[a] = 0;
  }
  const double low = f_.f64() ? 0x1p-600 : 0x1p-60, high = f_.f64() ? 0x1p700 : 0x1p70;
  return total_ >= low && total_ <= high;
}

// Whether a look at so many samples of each window can pass the tile: one of ordinary noise, or of constant loudness.
bool LineEnergy::can_tell(const TileExtent& tile, index_t lane_samples, bool of_noise) const {
  double inside = static_cast<double>(lane_samples), block = 1;
  for (int a = 0; a < f_.axes; ++a) {
    const FftAxisPlan& x = f_.axis[a];
    const index_t first = tile.first[a], last = first + tile.count[a] - 1;
    if (a < f_.tile.columns) inside *= static_cast<double>(column_[a].of * column_[a].cell);
    inside *= std::min(share_in_x(x, first, x.span + 1), share_in_x(x, last, x.span + 1));
    block *= share_in_x(x, first, tile.count[a] + x.span) * static_cast<double>(tile.count[a] + x.span);
  }
  return (of_noise ? least_noise_energy(inside) : inside) * f_.energy_ratio > block;
}

// Cells inside windows that begin in cell i of a column begin at cell i + 1, or i where a cell is one row.
bool LineEnergy::all_loud_coarse(const TileExtent& tile) {
  const int last = f_.axes - 1, each = scalars(f_.compute);
  const index_t cell = lane_cell(), whole = (tile.count[last] + f_.axis[last].span) * each / cell;
  Odometer at;
  for (int a = 0; a < last; ++a) at.add_axis(ceil_div(tile.count[a], column_[a].cell));
  do {
    index_t line = 0;
    for (int a = 0; a < last; ++a) line = line * column_[a].cells + at.at[a] + column_[a].from;
    const double least = fft_.least_sum(lines_ + line * length_ * scalar_bytes(f_), cell, whole);
    if (least * f_.energy_ratio < total_) return false;
  } while (at.next());
  return true;
}

bool LineEnergy::all_loud_in_windows(const TileExtent& tile) {
  char *lines = lines_, *sums = sums_;
  const index_t line_bytes = length_ * scalar_bytes(f_);
  index_t count = 1, outer = 1;
  for (int a = 0; a < f_.tile.columns; ++a) count *= column_[a].cells;
  for (int a = 0; a < f_.tile.columns; ++a) {
    const ColumnCells& c = column_[a];
    const index_t inner = count / (outer * c.cells), out_cells = ceil_div(tile.count[a], c.cell);
    for (index_t o = 0; o < outer; ++o) {
      fft_.sum_lines(lines + (o * c.cells + c.from) * inner * line_bytes, inner * length_, c.of, out_cells,
                     sums + o * out_cells * inner * line_bytes);
    }
    outer *= out_cells;
    count = outer * inner;
    std::swap(lines, sums);
  }
  const int last = f_.axes - 1, each = scalars(f_.compute);
  for (index_t i = 0; i < count; ++i) {
    const double least = fft_.least_window(lines + i * line_bytes, sums, scalars_, (f_.axis[last].span + 1) * each,
                                           (tile.count[last] - 1) * each + 1);
    if (least * f_.energy_ratio < total_) return false;
  }
  return true;
}

bool LineEnergy::all_loud(const void* const* rows, const TileExtent& tile) {
  cut(coarse);
  if (can_tell(tile, lane_cell() / scalars(f_.compute), true)) {
    if (!square_rows(rows)) return false;
    if (all_loud_coarse(tile)) return true;
  }
  const index_t window = f_.axis[f_.axes - 1].span + 1;
  for (const int cells : {rough, medium, fine}) {
    cut(cells);
    if (!can_tell(tile, window, cells != fine)) continue;
    if (!square_rows(rows)) return false;
    if (all_loud_in_windows(tile)) return true;
  }
  return false;
}

}  // namespace convcorr
