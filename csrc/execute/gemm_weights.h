// A group's weights as the products read them.
//
// Our own copy, of the compute type, where they can't be read as the caller has them: row by row (rows of 4096 bytes
// would meet in one set of the first cache: they lie a line further apart), or by pixels the panels,
// [panels][depth][out channels of the panel], the last one filled up with zeros.
#pragma once

#include "plan/gemm_plan.h"

namespace convcorr {

// Out channels of a panel: `vectors` registers of them.
struct OutPanel {
  index_t first, vectors;
};
index_t out_panels(const GemmPlan& g);
OutPanel out_panel(const GemmPlan& g, index_t number);

// One row, in the order of the depth.
void load_weight_row(const Problem& p, const GemmPlan& g, const char* h, char* row);

index_t own_weights_row(const GemmPlan& g);    // scalars from row to row
index_t own_weights_bytes(const GemmPlan& g);  // of one group
// Rows [first, end) of a group whose weights begin at h.
void load_weight_rows(const Problem& p, const GemmPlan& g, const char* h, index_t first, index_t end, char* rows);
// `count` channels of a panel: [channels][taps as h has them][out channels]. `flip` is the tables' affair.
void turn_weights(const Problem& p, const GemmPlan& g, const char* h, const OutPanel& panel, index_t channel,
                  index_t count, char* to);

}  // namespace convcorr
