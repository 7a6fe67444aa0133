// A group's weights as the products read them.
//
// Packed, they lie in tiles of rows, [rows / tile_rows][depth][tile_rows], the last one filled up with zeros. By pixels
// they are the panels: [panels][depth][out channels of the panel], likewise.
#pragma once

#include "plan/gemm_plan.h"

namespace convcorr {

// Out channels of a panel: `vectors` registers of them.
struct OutPanel {
  index_t first, vectors;
};
index_t out_panels(const GemmPlan& g);
OutPanel out_panel(const GemmPlan& g, index_t number);

index_t packed_weights_bytes(const GemmPlan& g);  // of one group
// Tiles of rows [first, end) of a group whose weights begin at h; `first` is a multiple of tile_rows.
void pack_weights(const Problem& p, const GemmPlan& g, const char* h, index_t first, index_t end, char* tiles);
// `count` channels of a panel: [channels][taps as h has them][out channels]. `flip` is the tables' affair.
void turn_weights(const Problem& p, const GemmPlan& g, const char* h, const OutPanel& panel, index_t channel,
                  index_t count, char* to);

}  // namespace convcorr
