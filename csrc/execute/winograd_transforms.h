// Samples and taps of a Winograd layer, transformed to where its products read them.
#pragma once

#include "execute/winograd_tiles.h"

namespace convcorr {

// Where the panel of a register lies within a point, and how wide it is.
struct Panel {
  index_t first_register, registers;
};
Panel panel_of(const WinogradPlan& w, index_t reg, index_t registers);

// Where out channel `out` begins among a group's transformed taps [scalars].
index_t taps_before(const WinogradPlan& w, index_t out);

// Transforms out channels [first, first + count) of a group; the first one's begin at `points`. Returns whether all are
// finite.
bool transform_taps(const WinogradCall& call, index_t group, index_t first, index_t count, char* points);

// In channels [first, first + count) of a group in a section, of all tiles, which are that section's; the points of the
// first section's channel 0 begin at `samples`.
void transform_samples(const WinogradCall& call, index_t group, const Tiles& tiles, index_t section, index_t first,
                       index_t count, char* samples);

}  // namespace convcorr
