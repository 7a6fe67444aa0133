// The part of a Problem that one job of a DirectPlan makes.
#pragma once

#include <algorithm>

#include "base/checked.h"
#include "plan/direct_plan.h"
#include "problem/problem.h"

namespace convcorr {

// Slices [slice, last_slice), of each some rows and a strip of the lane.
struct Extent {
  index_t slice, last_slice;
  index_t row, rows;
  index_t first, count;
};

Extent extent_of_job(const DirectPlan& d, index_t number);

// The rows of an extent in blocks that share lines, neighbours or rows a dilation apart: block(row, step, count) for
// each, until one returns false.
template <class Block>
void each_block(const DirectPlan& d, const Extent& extent, const Block& block) {
  const index_t end = extent.row + extent.rows;
  const index_t step = d.block_rows > 1 ? d.row.dilation : 1;
  for (index_t residue = 0; residue < std::min(step, extent.rows); ++residue) {
    for (index_t row = extent.row + residue; row < end;) {
      const auto count = static_cast<int>(std::min<index_t>(ceil_div(end - row, step), d.block_rows));
      if (!block(row, step, count)) return;
      row += count * step;
    }
  }
}

// Where one slice lies.
struct Slice {
  Arrays arrays;
  index_t at[max_spatial];  // output position on the plane axes
};

Slice slice_at(const DirectPlan& d, const Arrays& arrays, index_t number);

}  // namespace convcorr
