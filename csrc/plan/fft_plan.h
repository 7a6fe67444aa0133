// The FFT engine's way through a Problem: overlap-save, in tiles of as many axes as the kernel has.
//
//   x along one axis     |-------- block --------|
//                                |-------- block --------|          a block is transformed, multiplied, and back;
//   y                    |--outputs--|--outputs--|                  block >= outputs + span, span = reach of the taps
//
// One tile of a zero border may do with less: positions beyond the block come round to its beginning, and where both
// are zeros nobody can tell.
//
//   positions    |0 0 0|x x x x x x x|0 0 0|       a `full` result: n + k - 1 samples serve, not n + 2 (k - 1)
//   block        |---------------------|
//
// The axes of a Problem take these parts:
//
//   transformed   every axis with taps, outermost first; the last one is the lane axis, whose points fill registers
//   strip         where a contiguous axis has no taps, its samples are the lanes instead ("lanes are free")
//   groups        x and h of their own          filters   share x: it is transformed once
//   batches       share h: one spectrum serves
#pragma once

#include <memory>
#include <vector>

#include "plan/candidate.h"
#include "plan/fft_tables.h"
#include "problem/problem.h"

namespace convcorr {

constexpr int max_fft_axes = max_fft_columns + 1;

struct FftAxisPlan {
  SpatialAxis axis;
  index_t block;    // samples transformed at a time
  index_t span;     // (taps - 1) * dilation
  index_t dense;    // outputs at stride 1
  index_t spare;    // of dense + span positions: how many at the end a single tile's block may leave out
  index_t outputs;  // of them in a tile; a multiple of the stride
  index_t tiles;
};

struct FftPlan {
  Compute compute;  // of x's rows: f32, f64, c64, c128
  bool narrow;      // kernels of half the register width: short lane axes fit them better
  index_t lanes;    // scalars in a register
  int axes;
  FftAxisPlan axis[max_fft_axes];
  int order[max_fft_axes];  // which of the Problem's axes with taps each is
  bool lanes_free;
  SpatialAxis strip;  // lanes_free: the axis across registers
  index_t strip_samples, strips;
  int group_axes = 0, filter_axes = 0, batch_axes = 0;
  OuterAxis group[max_outer], filter[max_outer], batch[max_outer + max_spatial];
  index_t groups = 1, filters = 1, batches = 1;

  FftTile tile;
  std::shared_ptr<const FftAxisTables> tables[max_fft_axes];
  index_t rows;         // of data in a tile
  index_t row_samples;  // readable in each
  index_t tiles;        // of one slice (group and batch)
  index_t tile_bytes;   // complex
  index_t spectrum_bytes;
  index_t taps;  // of one kernel
  bool in_place, out_in_place;
  bool zips;  // the last two filters' results alternate along y's rows: they are written together

  bool shared;  // one tile to a slice, whose work threads can share
  bool wraps;   // some block leaves positions out: shared, and served by nothing but execute/shared_tile
  int shared_levels;
  index_t shared_strip, shared_strips, shared_blocks, shared_blocks_per_job;
  index_t shared_parts;  // the kernel's tile is had in so many parts, one after the other

  index_t tiles_per_job, jobs_per_slice;
  double seconds;       // predicted, on one thread
  double energy_ratio;  // a block's energy over a window's, up to which its outputs keep the promised accuracy

  bool f64() const { return compute == Compute::f64 || compute == Compute::c128; }
  const FftFunctions& functions() const;
};

// Block lengths, one for each transformed axis; 0 leaves the choice to the cost model.
struct FftBlocks {
  int axes = 0;
  index_t of[max_fft_axes] = {};
  bool may_wrap = true;
};

// This thread's forced blocks, for benches and tests.
FftBlocks& forced_fft_blocks();

// Why the FFT engine can't take p; null where it can.
const char* refuse_fft(const Problem& p);

// Chooses the blocks of least predicted cost. False where no block of a length that we transform fits. Every length
// looked at goes into the record, if there is one.
bool make_fft_plan(const Problem& p, const FftBlocks& forced, FftPlan& plan, std::vector<Candidate>* record);

}  // namespace convcorr
