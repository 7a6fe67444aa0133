// The way of a layer through a product of matrices (implicit im2col).
//
//                 columns: outputs of all batch items                 depth: in channels x taps
//               +--------------------------+                          rows:  out channels of a group
//        depth  |  samples under the taps  |   made panel by panel,
//               +--------------------------+   never as a whole       c[row][column] = sum of weights * samples
//
// Jobs are (group x block of rows x block of columns). Within one, the depth is cut into chunks whose panels stay in
// the first cache; sums of the chunks before wait in y, or in a buffer where y's rows are not like the columns.
//
// By pixels both change places: rows are outputs, whose samples are neighbours along the channels, and panels are
// weights, so that registers run along out channels. `rows` and `columns` below keep their meaning: rows are out
// channels.
#pragma once

#include "kernels/gemm_table.h"
#include "problem/problem.h"

namespace convcorr {

constexpr index_t wanted_pixels = 256;  // of a job by pixels: a panel of weights serves all of them

struct GemmPlan {
  Compute compute;        // f32 or f64
  bool weights_in_place;  // a row's weights are neighbours, of the compute type, in the order of the depth
  bool native_x;          // samples are of the compute type, and lie whole scalars apart
  bool native_y;

  int group_axes = 0, batch_axes = 0, axes = 0;
  OuterAxis group[max_outer], batch[max_outer];
  OuterAxis row, channel;
  SpatialAxis axis[max_spatial];  // neighbours that are one to a kernel of one tap are merged
  SpatialAxis plane_row;          // the last but one, or one without samples to speak of
  int y_axes = 0;                 // of the last axis' outputs, where they don't lie evenly
  SpatialAxis y_axis[max_spatial];

  index_t groups = 1, batches = 1;
  index_t positions = 1;  // outputs of a batch item
  index_t rows, channels, taps = 1, depth;
  index_t x_low = 0, x_high = 0;  // bytes from sample [0, 0, ...] to the lowest one, and beyond the highest

  int vectors;           // of a full panel
  index_t lanes;         // scalars of a register
  bool by_planes;        // panels are stretches of planes of samples, else made tap by tap
  bool x_in_place;       // x itself is such planes
  index_t dots;          // by planes: an image's last outputs, summed with lanes along the channels
  bool turned;           // or rows are, and weights the panels: see execute/gemm_turned.cpp
  bool by_pixels;        // outputs are rows, and weights the panels: see execute/gemm_by_pixels.cpp
  bool turns_x = false;  // planes into pixels first: all else is of with_x_as_pixels(p) then (problem/image_planes.h)
  bool pixels_in_place;  // whose samples are read where x has them: no border is seen, nothing converted
  bool by_channels = false;   // depthwise, with channels along the lanes: see plan/depthwise_plan.h
  bool turns_planes = false;  // then: x has planes, which are turned into pixels
  bool crosses_items;         // panels hold outputs of several batch items
  index_t column_sets;        // batch items, or 1 where panels cross
  index_t columns;            // of a set
  index_t columns_per_job, column_jobs;
  index_t rows_per_job, row_jobs;
  index_t channels_per_chunk, taps_per_chunk;  // all taps, or one channel
  index_t most_at_once;                        // by pixels: products of a chunk that one panel holds
  index_t jobs = 1;                            // where panels are made tap by tap
  double seconds;                              // predicted, on one thread

  index_t width() const { return vectors * lanes; }
  bool few_pixels() const { return positions * batches <= wanted_pixels; }  // of which one job has all
  const GemmFunctions& functions() const;
};

// Chunks are added one by one: deeper sums are taken in parts, which are added in pairs (execute/halves.h).
constexpr double most_gemm_depth = 12800;
// Products of a chunk, summed one by one: 256 equal ones would lose more than `auto` promises.
constexpr index_t most_in_order = 240;

// Why a layer can't go this way; null where it can.
const char* refuse_gemm(const Problem& p);

void make_gemm_plan(const Problem& p, GemmPlan& plan);

}  // namespace convcorr
