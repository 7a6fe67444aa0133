// Lines for the direct kernels: stretches of x along the lane axis, in the compute type, borders included.
//
//            in place                                made in the ring
//   x row    |........................|              |u8 u8 u8 u8 ...|
//                ^ line of a band away from     ->   k k|f32 f32 f32 f32 ...|k k      border, conversion and
//                  the border: only a pointer        phase 0 | phase 1 | ...          strided phases done on the way
//
// Every line of a band is made of the same pieces: where a constant border shows, the ring's lines are filled once.
// Row r + 1 shares all lines of row r but one, and slice z + 1 all planes of slice z but one. The ring keeps, for each
// plane, as many lines as a block of rows needs (or all of the job's, where planes are shared), and makes a line only
// where the ring doesn't hold it: a slot remembers the row of x that it was made of. A row outside x under a constant
// border is the fill line.
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

  // Pointers [planes][row.kernel + count - 1] to the lines of `count` output rows from `row` on, which share lines:
  // they are a dilation apart.
  const void* const* block(index_t row, int count);

  // Scalar offset of each lane tap within a line.
  const index_t* columns() const { return columns_; }

 private:
  void cut_line();
  void cut_phase(index_t position, index_t at);
  void find_rows(index_t row, index_t count);
  void point_in_place(const char* base, index_t lines, const void** rows);
  void point_in_ring(index_t plane, index_t lines, const void** rows);
  const void* fill_line();
  void make_line(const char* row, char* line);
  void load(const char* src, index_t stride, index_t n, char* dst);

  const Problem& p_;
  const DirectPlan& d_;
  const ConvertTable& convert_;
  const index_t size_;  // bytes of a compute element
  Band band_ = {};
  index_t outputs_ = 0;  // per line: the band's, but at least a register's
  index_t pieces_ = 0;   // that every line of the band is made of, fill apart

  LinePiece* piece_;
  index_t* columns_;
  const char** bases_;      // [planes] row 0 of each plane; null where it lies outside x
  index_t* plane_slots_;    // [planes] where the ring keeps it
  const void** rows_;       // [planes][block lines], for the kernel
  index_t* row_indices_;    // [block lines] the block's rows in a plane; negative: outside x
  index_t* row_slots_;      // [block lines] where the ring keeps them in a plane
  const char** made_from_;  // [planes][ring lines] the row of x that a slot holds, or null
  char* ring_;
  char* fill_line_;  // made when first needed
  bool fill_line_made_ = false;
  char* swapped_;
};

}  // namespace convcorr
