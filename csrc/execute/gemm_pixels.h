// Samples as pixels, channels innermost: what lies under the taps of a block of outputs.
//
//   sample under tap t of output p, channel c:   offsets()[p] + places()[c * taps + t]
//
// They are read where x has them; or, where a border is near or they must be converted, a chunk of channels at a time
// is copied for the block, border included.
#pragma once

#include <vector>

#include "kernels/gemm_table.h"
#include "plan/gemm_plan.h"

namespace convcorr {

// Outputs of a job: rows and columns of some images. An image is a batch item, at an output of all axes but the last
// two.
struct PixelBlock {
  index_t first_image, images, first_row, rows, first_column, columns;
};

class Pixels {
 public:
  Pixels(const Problem& p, const GemmPlan& g) : Pixels(p, g, g.channels_per_chunk) {}
  // Whose products are of the first `placed` channels of a chunk alone.
  Pixels(const Problem& p, const GemmPlan& g, index_t placed);

  void start(const PixelBlock& block);
  index_t count() const { return static_cast<index_t>(offsets_.size()); }
  index_t bytes() const;                                        // of the copies
  const index_t* offsets() const { return offsets_.data(); }    // of outputs, in scalars
  const index_t* places() const { return places_.data(); }      // of the products of a chunk, in scalars
  const std::vector<index_t>& row_y() const { return row_y_; }  // of the first output of each row, in bytes

  // Where offsets count from, for `count` channels from `channel` on; x is the group's first sample.
  const char* make(const char* x, const char* x_end, index_t channel, index_t count, char* memory) const;

 private:
  // Neighbours of a row of the copies: n pixels, `step` bytes apart from x on; none of them where x is negative.
  struct PixelRun {
    index_t at, n, x, step;
  };

  void find_places();
  void find_outputs();
  void find_runs();
  void find_rows();
  void copy_row(const char* x, const char* x_end, index_t count, char* to) const;

  const Problem& p_;
  const GemmPlan& g_;
  const SpatialAxis &row_, &lane_;
  const index_t placed_;
  PixelBlock block_ = {};
  index_t planes_ = 1, height_ = 0, width_ = 0;  // planes: combinations of the other axes' taps
  std::vector<index_t> offsets_, places_, row_y_;
  std::vector<PixelRun> runs_;
  std::vector<index_t> row_x_;  // bytes to each row of the copies; zero_row or unread_row
};

}  // namespace convcorr
