// Kernels of depthwise layers, for the engine: see kernels/table.h.
#pragma once

#include "base/types.h"

namespace convcorr {

// Taps below each other: tap j reads the plane's row j rows further down.
struct TapColumn {
  index_t plane;        // scalars from the plane's beginning to the sample that output [0][0] sees under tap 0
  index_t first, step;  // tap j is weights[first + j * step]
  index_t count;
};

// y[r][c] = bias + sum over columns of taps, over their taps j, of
//           weights[first + j * step] * samples[plane + (r + j) * plane_row + c]
//
// Samples are readable to two registers behind the last one seen. Sums are taken in the order of the taps, whatever the
// rows and columns around them.
struct DepthwisePlane {
  const void* samples;
  index_t plane_row;  // scalars from row to row
  const TapColumn* taps;
  index_t tap_columns;
  const void* weights;
  const void* bias;  // one number, or null
  void* y;
  index_t y_row;  // scalars from row to row
  index_t rows, columns;
};

struct DepthwiseTable {
  void (*f32)(const DepthwisePlane& plane);
  void (*f64)(const DepthwisePlane& plane);
};

}  // namespace convcorr
