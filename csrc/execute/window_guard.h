// The window guard: which outputs of a tile a transform would give less accurately than promised.
//
// A transform's error at every output is at most c u log2(N) |block| |h|, spread over the block, whatever each output's
// own window holds, and a part d u |window| |h| that its own window leaves. Promised is C u log2(K + 1) |window| |h|.
// So an output is safe when
//
//   energy of the block <= energy of its window * ((C log2(K + 1) - d) / (c log2 N))^2
//
// Energies are summed in cells; the cells that every window beginning in a cell contains whole bound its energy below:
//
//   cells     |    |    |    |    |    |
//   window      [----------------)            begins in cell 0, contains cells 1 and 2
//
// On ordinary data all outputs are safe but for some at the ends of a `full` result, whose windows are nearly empty.
#pragma once

#include <vector>

#include "base/buffer.h"
#include "execute/line_energy.h"
#include "execute/tile_rows.h"
#include "kernels/table.h"

namespace convcorr {

// Outputs of a tile, counted from its first, at stride 1.
struct OutputBox {
  index_t first[max_fft_axes], count[max_fft_axes];
};

inline OutputBox whole_tile(const FftPlan& f, const TileExtent& tile) {
  OutputBox all;
  for (int a = 0; a < f.axes; ++a) all.first[a] = 0, all.count[a] = tile.count[a];
  return all;
}

class WindowGuard {
 public:
  WindowGuard(const FftPlan& f, Scratch& scratch);
  static index_t bytes(const FftPlan& f);

  // Whether all outputs are safe. Where not, in_range and unsafe say more.
  bool look(const void* const* rows, const TileExtent& tile);

  // The same in two steps for a tile of one row, of which scalars [low, high) can be read: threads sum up some cells
  // each.
  index_t row_cells() const { return axis_[0].cells; }
  void sum_cells(const void* row, index_t low, index_t high, index_t first, index_t end);
  bool judge_cells(const TileExtent& tile);

  // Whether the energies lie where neither they nor anything inside a transform overflows or goes denormal.
  bool in_range() const { return in_range_; }
  double energy() const { return total_; }  // of the tile, where lanes are not free

  // The unsafe outputs of the tile looked at. Those of free lanes are lumped together.
  std::vector<OutputBox> unsafe(const TileExtent& tile) const;

 private:
  struct CellAxis {
    index_t cell;      // samples
    index_t cells;     // of the block
    index_t from, of;  // a window beginning in cell i contains cells [i + from, i + from + of) whole
  };
  bool all_loud_in_row(const void* row, const TileExtent& tile);
  static CellAxis cut_axis(const FftPlan& f, int a);
  static CellAxis cut_quick(const FftPlan& f);
  static CellAxis cells_of(const FftAxisPlan& x, index_t cell);
  static index_t cell_count(const FftPlan& f);
  static index_t line_bytes(const FftPlan& f);
  void sum_rows(const void* const* rows);
  template <class T>
  void add_line(const T* line, double* cells) const;
  index_t bound_windows(const TileExtent& tile);
  template <class T>
  bool judge(const TileExtent& tile, const void* const* rows);
  template <class T>
  bool is_zero_lane(const void* const* rows, index_t lane) const;

  const FftPlan& f_;
  const FftFunctions& fft_;
  LineEnergy lines_;
  CellAxis axis_[max_fft_axes], quick_axis_;
  index_t lane_cells_;  // of a row: cells of the lane axis, or free lanes
  char* line_;          // sums of one row of cells, in the compute type's scalars
  char *quick_, *quick_sums_;
  double *cells_, *windows_;
  double* lane_totals_;
  index_t out_cells_[max_fft_axes];
  bool in_range_ = false;
  double total_ = 0;
};

}  // namespace convcorr
