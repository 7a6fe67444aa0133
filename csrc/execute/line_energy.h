// The window guard's quick look at tiles of several axes: is every window loud enough?
//
// Squares are summed sample by sample over cells of rows, then over the cells that a window contains whole; what is
// left is one line for each cell of output rows, whose exact windows along the lane axis the kernels scan.
#pragma once

#include "base/buffer.h"
#include "execute/tile_rows.h"
#include "kernels/table.h"

namespace convcorr {

class LineEnergy {
 public:
  LineEnergy(const FftPlan& f, Scratch& scratch);
  static index_t bytes(const FftPlan& f);

  // Whether least window * ratio >= block, where both are within what squares can tell. Windows are known to within
  // one of the cells that they are cut into.
  bool all_loud(const void* const* rows, const TileExtent& tile, int cells_in_window);
  static constexpr int coarse = 4, fine = 16;

 private:
  struct ColumnCells {
    index_t cell, cells, from, of;  // as in WindowGuard
  };
  static ColumnCells cut_column(const FftAxisPlan& x, int cells_in_window);
  static index_t line_count(const FftPlan& f, int cells_in_window);
  static index_t line_scalars(const FftPlan& f);  // padded with a register of zeros
  template <class T>
  bool judge(const TileExtent& tile);
  void square_rows(const void* const* rows);
  index_t line_total() const;

  const FftPlan& f_;
  const FftFunctions& fft_;
  const index_t scalars_, length_;  // of a row; of a line with its padding
  ColumnCells column_[max_fft_axes];
  char *lines_, *sums_;
};

}  // namespace convcorr
