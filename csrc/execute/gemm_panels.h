// Panels of samples: which of them lie under the taps of some outputs, and the panels made of them.
#pragma once

#include <vector>

#include "plan/gemm_plan.h"

namespace convcorr {

// Outputs that are neighbours along the last axis.
struct OutputRun {
  index_t at, n;               // columns of the panel
  index_t x, y;                // bytes: the batch item in x, the first output in y
  index_t first[max_spatial];  // the first output's position on each axis
};

// The runs of columns [first, first + n) of a set.
void find_runs(const GemmPlan& g, index_t set, index_t first, index_t n, std::vector<OutputRun>& runs);

// The pieces of a panel, for taps [first, end).
class PanelPieces {
 public:
  void find(const Problem& p, const GemmPlan& g, const std::vector<OutputRun>& runs, index_t first, index_t end);

  // The chunk's rows, of channels [channel, channel + count). x: the lowest sample of the group.
  void pack(const Problem& p, const GemmPlan& g, const char* x_end, const char* x, index_t channel, index_t count,
            int vectors, void* panel) const;

 private:
  void add(const SpatialAxis& last, index_t position, index_t x, index_t unit, const OutputRun& run);

  std::vector<PanelPiece> pieces_;
  std::vector<index_t> first_piece_;
};

// Makes rows of x in any type. Where that isn't the compute type, pieces and strides are in bytes.
void pack_rows(const Problem& p, const GemmPlan& g, PanelRows rows);

}  // namespace convcorr
