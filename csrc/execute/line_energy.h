// The window guard's quick look at tiles of several axes: is every window loud enough?
//
// Squares are summed sample by sample over cells of rows: one line for each. Of every window is then looked at
//
//   coarse          one cell of each axis that lies inside it: about a quarter of a window of two axes
//   rough to fine   all cells of rows inside it, and along the lane axis the window itself
//
// and coarser looks are left out where even noise wouldn't pass.
#pragma once

#include "base/buffer.h"
#include "execute/tile_rows.h"
#include "kernels/table.h"

namespace convcorr {

class LineEnergy {
 public:
  LineEnergy(const FftPlan& f, Scratch& scratch);
  static index_t bytes(const FftPlan& f);

  // Whether least window * ratio >= block, where both are within what squares can tell.
  bool all_loud(const void* const* rows, const TileExtent& tile);

 private:
  struct ColumnCells {
    index_t cell, cells, from, of;  // as in WindowGuard
  };
  static constexpr int coarse = 2, rough = 3, medium = 5, fine = 16;  // cells that a window is cut into
  static ColumnCells cut_column(const FftAxisPlan& x, int cells_in_window);
  static index_t line_count(const FftPlan& f, int cells_in_window);
  static index_t line_scalars(const FftPlan& f);  // padded with a register of zeros
  index_t lane_cell() const;
  bool can_tell(const TileExtent& tile, index_t lane_samples, bool of_noise) const;
  void cut(int cells_in_window);
  bool square_rows(const void* const* rows);
  bool all_loud_coarse(const TileExtent& tile);
  bool all_loud_in_windows(const TileExtent& tile);

  const FftPlan& f_;
  const FftFunctions& fft_;
  const index_t scalars_, length_;  // of a row; of a line with its padding
  ColumnCells column_[max_fft_axes];
  char *lines_, *sums_;
  double total_ = 0;
};

}  // namespace convcorr
