// Lines for the direct kernels: stretches of x along the lane axis, in the compute type, borders included.
//
//            in place                                made in the ring
//   x row    |........................|              |u8 u8 u8 u8 ...|
//                ^ line of a band away from     ->   k k|f32 f32 f32 f32 ...|k k      border, conversion and
//                  the border: only a pointer        phase 0 | phase 1 | ...          strided phases done on the way
//
// Every line of a band is made of the same pieces: where a constant border shows, the ring's lines are filled once.
// Row r + 1 shares all lines of row r but one. The ring keeps, for each plane, as many lines as a block of rows needs,
// and makes a line only where it doesn't hold it: a slot remembers the row of x that it was made of. Slice z + 1 shares
// all planes of slice z but one: there the ring keeps all lines of the job's rows, and a table of them for each plane.
// A row outside x under a constant border is the fill line.
#pragma once

#include "base/buffer.h"
#include "kernels/table.h"
#include "plan/direct_plan.h"

namespace convcorr {

// Outputs [first, first + count) along the lane, whose lines are all in place or all made.
struct Band {
  index_t first, count;
  bool in_place;
};

class Lines {
 public:
  Lines(const Problem& p, const DirectPlan& d, Scratch& scratch);

  // Where the planes of a slice lie: `x` is its data, `at` its output position on each plane axis.
  void start_slice(const char* x, const index_t* at);
  void start_band(const Band& band);

  // Makes the lines under output rows [row, row + rows) of the slice, but for the planes that the slice before had too.
  // Where slices share planes, call it before block.
  void keep_planes(index_t row, index_t rows);

  // The lines under `count` output rows from `row` on, a dilation apart: row.kernel + count - 1 for each plane.
  const void* const* const* block(index_t row, int count);

  // Scalar offset of each lane tap within a line.
  const index_t* columns() const { return columns_; }

 private:
  void place_columns();
  void cut_line();
  void cut_phase(index_t position, index_t at);
  void make_plane(index_t slot, index_t row, index_t lines);
  void find_rows(index_t row, index_t count);
  void point_in_place(const char* base, index_t lines, const void** rows);
  void point_in_ring(index_t plane, index_t lines, const void** rows);
  const void* fill_line();
  void make_line(const char* row, char* line);

  const Problem& p_;
  const DirectPlan& d_;
  const index_t size_;  // bytes of a compute element
  Complex160 fill_;     // as an element of the compute type
  Band band_ = {};
  index_t outputs_ = 0;  // per line: the band's, but at least a register's
  index_t pieces_ = 0;   // that every line of the band is made of, fill apart

  LinePiece* piece_;
  index_t* columns_;
  const char** bases_;          // [planes] row 0 of each plane; null where it lies outside x
  index_t* plane_slots_;        // [planes] where the ring keeps it
  const char** kept_;           // [planes] base of the plane whose lines a slot holds, where slices share them,
  index_t first_row_ = 0;       // and the output row that their tables begin with
  const void** rows_;           // [planes][table lines]
  const void* const** planes_;  // [planes] into rows_, for the kernel
  index_t* row_indices_;        // [table lines] rows in a plane; negative: outside x
  index_t* row_slots_;          // [table lines] where the ring keeps them in a plane
  const char** made_from_;      // [planes][ring lines] the row of x that a slot holds, or null
  char* ring_;
  char* fill_line_;  // made when first needed
  bool fill_line_made_ = false;
};

}  // namespace convcorr
