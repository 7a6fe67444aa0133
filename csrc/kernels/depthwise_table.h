// Kernels of depthwise layers, for the engine: see kernels/table.h.
#pragma once

#include "base/types.h"

namespace convcorr {

// Taps in a run: under tap j, an output sees what the one j further down (of planes) or further on (of pixels) sees
// under tap 0.
struct TapRun {
  index_t place;        // scalars from where samples begin to the one that output [0][0] sees under tap 0
  index_t first, step;  // the run's tap j is the layer's first + j * step
  index_t count;
};

// y[r][c] = bias + sum over runs, over their taps j, of
//           weights[first + j * step] * samples[place + (r + j) * plane_row + c]
//
// Samples are readable to two registers behind the last one seen. Sums are taken in the order of the taps, whatever the
// rows and columns around them.
struct DepthwisePlane {
  const void* samples;
  index_t plane_row;  // scalars from row to row
  const TapRun* taps;
  index_t tap_runs;
  const void* weights;
  const void* bias;  // one number, or null
  void* y;
  index_t y_row;  // scalars from row to row
  index_t rows, columns;
};

// Lanes are channels: with i in [0, channels),
//   y[r * y_row + c * y_column + i] = bias[i] + sum over runs, over their taps j, of
//       weights[(first + j * step) * weights_row + i] * samples[place + r * row + (c + j) * column + i]
//
// Fewer channels than a register has are read and written as if they filled one; more never need that, as the last
// register begins where it ends with them. Sums are taken in the order of the taps, whatever the outputs around them.
struct DepthwisePixels {
  const void* samples;
  index_t row, column;  // scalars from what an output sees to what the one below it and the next one see
  const TapRun* taps;
  index_t tap_runs;
  const void* weights;
  index_t weights_row;  // scalars from tap to tap
  const void* bias;     // or null
  void* y;
  index_t y_row, y_column;
  index_t rows, columns, channels;
  index_t layer_taps;
};

struct DepthwiseTable {
  void (*f32)(const DepthwisePlane& plane);
  void (*f64)(const DepthwisePlane& plane);
  bool (*pixels_f32)(const DepthwisePixels& pixels);  // whether all weights are finite
  bool (*pixels_f64)(const DepthwisePixels& pixels);
};

}  // namespace convcorr
