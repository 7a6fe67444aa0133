// Planes of samples: what lies under the taps of a block of outputs, so that each tap reads the same stretch a little
// further on.
//
//     x row     |a b c d e|                          outputs of a row follow those of the row before; the columns
//     plane     |0 a b c d e|0 a' b' c' ...           between them (one here, under zeros that both rows share)
//     tap 0      ^^^^^^^^^^^                          are computed and dropped
//     tap 1        ^^^^^^^^^^^
//
// A stride's phases lie in planes of their own, and so do the taps of all axes but the last two.
#pragma once

#include <vector>

#include "plan/gemm_plan.h"

namespace convcorr {

// Outputs of a job: rows and columns of one image.
struct OutputBlock {
  index_t first_row, rows, first_column, columns;
};

// How an axis' taps fall into the phases of its stride: tap t reads sample n + shift[t] of phase phase[t].
struct AxisTaps {
  std::vector<index_t> phase, shift;
  std::vector<index_t> phases;  // how far each is from the axis' offset
  index_t reach = 0;            // the farthest shift

  explicit AxisTaps(const SpatialAxis& a);
};

struct PlaneTaps {
  AxisTaps row, column;
  index_t plane_taps;  // combinations of the other axes' taps

  explicit PlaneTaps(const GemmPlan& g);
  index_t groups() const { return plane_taps * static_cast<index_t>(row.phases.size() * column.phases.size()); }
};

class Planes {
 public:
  Planes(const Problem& p, const GemmPlan& g, const PlaneTaps& taps);

  void start(const OutputBlock& block, const index_t* plane_at);
  index_t bytes() const;                    // of a chunk of channels
  index_t width() const { return width_; }  // columns from row to row
  index_t columns() const { return (block_.rows - 1) * width_ + block_.columns; }
  const index_t* offsets() const { return offsets_.data(); }

  // Once for all that is made there: sums of what lies behind the planes are dropped, but should be finite.
  void clear_slack(char* memory) const;

  // The planes of `count` channels; x is the image's lowest sample of the first of them.
  void make(const char* x, const char* x_end, index_t count, char* memory) const;

 private:
  static constexpr index_t outside = -1;  // in the border: the lowest sample is at 0
  index_t find_plane(const index_t* tap) const;
  void find_pieces();
  void find_padded();
  void find_row_pieces(index_t phase, std::vector<PanelPiece>& pieces) const;
  void find_offsets();
  index_t plane_row(index_t x_offset, index_t phase, index_t row) const;

  const Problem& p_;
  const GemmPlan& g_;
  const PlaneTaps& taps_;
  const index_t unit_;  // bytes of what pieces count
  OutputBlock block_ = {};
  index_t plane_at_[max_spatial] = {};
  index_t width_ = 0, made_ = 0, height_ = 0, plane_ = 0;
  bool padded_ = false;  // rows are x's own with zeros around them, in every group
  std::vector<PaddedRows> groups_;
  std::vector<PanelPiece> pieces_;
  std::vector<index_t> first_piece_;  // of each row of each group, and behind the last
  std::vector<index_t> offsets_;
};

}  // namespace convcorr
