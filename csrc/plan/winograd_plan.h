// Winograd's way through a layer: tiles of outputs whose sums take fewer products.
//
// Tiles span two axes, or one where no other has taps enough. What else there is of taps is summed as channels are: a
// *section* is one square of 3 x 3 taps (or as many as the tile has) at one tap of each further axis, and its samples
// are the tile's, so many taps on. Kernels that squares don't fill have zeros behind their last taps.
//
// The tiles of a group, image after image, are the columns of one product of matrices for each point of the transform:
//
//   points x [section][in channel][tiles]  =  samples, transformed   made for each job, or, where tiles are few, for
//   all points x [out][section][in channel]    =  taps, transformed      made once, or, where tiles are few, for each
//   job points x [out][tiles]                  =  their products         some out channels at a time
//
// Taps lie in the order in which a job reads them: for each `outs_at_once` out channels, for each point, for each chunk
// of `depth` in channels of a section, a row of them for each out channel.
//
// Jobs are (group, block of tiles, block of out channels).
#pragma once

#include "base/types.h"
#include "kernels/winograd_table.h"
#include "problem/problem.h"

namespace convcorr {

struct WinogradPlan {
  Compute compute;
  WinogradTile tile;
  WinogradAxis rows, lane;
  int points;                   // of a tile
  int row_axis, lane_axis;      // the Problem's spatial axes that tiles span; row_axis -1: of one axis
  bool x_in_place, y_in_place;  // rows are rows of the compute type; else they're made, or stored from one
  bool taps_in_place;           // a square's taps follow each other
  index_t tap_stride;           // bytes from in channel to in channel, where they're in place
  index_t images, groups, ins, outs;
  index_t row_sections, lane_sections, sections;  // squares along a tile's axes; all, further axes included
  index_t products;                               // ins x sections: summed at a point
  index_t tile_rows, tile_columns;                // of an image

  index_t lanes;            // tiles in a register
  index_t registers;        // of all tiles of a group
  index_t block_registers;  // of a job's tiles
  index_t blocks;
  index_t depth;        // in channels of a section whose products are summed one by one: whole registers
  int panel_registers;  // of the products' panels
  index_t outs_per_job, out_jobs;
  index_t outs_at_once;  // whose products are kept
  bool turned;           // tiles are the products' rows, out channels their columns; of shared samples alone
  index_t row_tile;      // turned: rows of the products' tiles
  bool shares_samples;   // transformed once, before the jobs; else by each
  bool shares_taps;      // likewise
  index_t jobs;

  // Scalars.
  index_t tap_chunk;                           // of transformed taps, from chunk to chunk
  index_t tap_point, sample_point, sum_point;  // from point to point
  index_t group_taps;                          // of all points
  index_t shared_samples, shared_taps;         // of all groups
  index_t job_bytes, shared_bytes;
  double tap_seconds, sample_seconds;  // predicted, of what is shared: on one thread
  double seconds;                      // of all
};

// Why it can't take p; null where it can.
const char* refuse_winograd(const Problem& p);

// Tiles of 4 outputs along an axis or of 2: of these, sums are as accurate as direct ones. 0: whichever is faster.
void make_winograd_plan(const Problem& p, WinogradPlan& plan, int outputs = 0);

// The same where the taps were transformed before.
WinogradPlan with_prepared_taps(const WinogradPlan& plan);

// Of the compute type and the ISA in use.
const WinogradFunctions& winograd_functions(Compute compute, WinogradTile tile);

// The axis that tiles' rows follow each other along.
const SpatialAxis& row_axis_of(const Problem& p, const WinogradPlan& w);

}  // namespace convcorr
