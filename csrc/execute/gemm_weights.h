// A group's weights as the products read them.
#pragma once

#include "plan/gemm_plan.h"

namespace convcorr {

// Packed: [rows / tile_rows][depth][tile_rows], the last tile filled up with zeros.
index_t packed_weights_bytes(const GemmPlan& g);  // of one group
// One row, in the order of the depth.
void load_weight_row(const Problem& p, const GemmPlan& g, const char* h, char* row);
// Tiles of rows [first, end) of a group whose weights begin at h; `first` is a multiple of tile_rows.
void pack_weights(const Problem& p, const GemmPlan& g, const char* h, index_t first, index_t end, char* tiles);

}  // namespace convcorr
