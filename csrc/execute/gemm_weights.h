// A group's weights as the products read them.
#pragma once

#include "plan/gemm_plan.h"

namespace convcorr {

// One row, in the order of the depth.
void load_weight_row(const Problem& p, const GemmPlan& g, const char* h, char* row);

// All rows, for products that can't read them where the caller has them. Rows of 4096 bytes would meet in one set of
// the first cache: they lie a line further apart.
index_t own_weights_row(const GemmPlan& g);    // scalars from row to row
index_t own_weights_bytes(const GemmPlan& g);  // of one group
// Rows [first, end) of a group whose weights begin at h.
void load_weight_rows(const Problem& p, const GemmPlan& g, const char* h, index_t first, index_t end, char* rows);

}  // namespace convcorr
