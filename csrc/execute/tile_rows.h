// Rows of a tile: stretches of x under the tile's outputs, in the compute type, borders included, zeros behind them.
//
//   x row    |........................|               read in place where x looks like that and the block lies inside
//         k k|f32 f32 f32 ... f32|0 0 0               else made: border, conversion, and zeros up to the block's end
#pragma once

#include "base/buffer.h"
#include "execute/parallel.h"
#include "plan/direct_plan.h"
#include "plan/fft_plan.h"

namespace convcorr {

// Which outputs a tile makes: `count` from `first` on, at stride 1, on each transformed axis; and samples of the strip.
struct TileExtent {
  index_t first[max_fft_axes], count[max_fft_axes];
  index_t strip_first, strip_count;
};

TileExtent tile_extent(const FftPlan& f, index_t number);

class TileRows {
 public:
  // Without room to make rows where the caller reads x itself, or gives the room.
  TileRows(const Problem& p, const FftPlan& f, Scratch& scratch, bool makes_rows = true);
  static index_t bytes(const FftPlan& f, bool makes_rows = true);
  static index_t room(const FftPlan& f);  // bytes of all rows made
  void make_in(char* room) { made_ = room; }

  // Rows of a slice of x under a tile: the columns' positions in C order, the innermost fastest.
  const void* const* read(const char* x, const TileExtent& tile, const Interrupt& interrupt);
  const void* const* rows() const { return rows_; }  // as last read
  const FftPlan& plan() const { return f_; }
  // The same in two steps, for threads that share the tile: each makes some of the rows.
  void start(const TileExtent& tile);
  void make(const char* x, const TileExtent& tile, index_t first, index_t end, const Interrupt& interrupt);

  // Rows for the results: y's own, or sums that `write` converts. Null: a row that nobody wants.
  FftRows results(char* y, const TileExtent& tile);
  void write(const TileExtent& tile);
  // f.zips: sums of two filters, the second one's beside the first one's, and both written to the first one's y.
  FftRows zipped_results(char* y, const TileExtent& tile, int second);
  void write_zipped(const TileExtent& tile);

 private:
  bool lies_inside(const TileExtent& tile) const;
  void cut_row(const TileExtent& tile);
  void make_row(const char* row, char* made, const Interrupt& interrupt) const;
  void make_piece(const LinePiece& piece, const char* row, char* to) const;
  const void* filled_row(const TileExtent& tile);
  index_t row_samples_wanted(const TileExtent& tile) const;

  const Problem& p_;
  const FftPlan& f_;
  const int columns_;
  const index_t size_;       // bytes of a sample in a row
  const SpatialAxis& lane_;  // along the rows
  const void** rows_;
  void** results_;
  char** targets_;                      // rows of y
  index_t* index_[max_fft_axes];        // sample of x under each position of a column, or one of the two below
  index_t inside_first_[max_fft_axes];  // a column's first position whose rows may have to be made
  static constexpr index_t fill = -1, unneeded = -2;
  LinePiece* piece_;
  index_t pieces_ = 0;
  bool inside_ = false;
  const void* outside_ = nullptr;  // a row outside x under a constant border
  char *made_, *sums_, *zeros_, *filled_;
  store_fn store_;
};

}  // namespace convcorr
