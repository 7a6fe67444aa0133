// What things cost: a few constants per ISA, from bench/native on the reference machines. They only steer.
#pragma once

#include "base/types.h"

namespace convcorr {

// Of transforms, for single and for double precision.
struct FftCost {
  double near_flops, far_flops;  // real operations per second: in the second-level cache, and from memory
  double byte_seconds;           // of a tile's data: reading, the guard's look at it, writing
  double row_seconds;            // of a row in a tile of several axes
  double tile_seconds;
  double plan_seconds;           // a call's, with its spectrum
};

struct CostModel {
  double products_per_second[compute_count];  // of the direct kernels in L1, one thread
  double row_seconds;                         // of one kernel call
  double line_bytes_per_second;               // converting or copying a line
  double copy_bytes_per_second;               // from and to memory
  double small_products_per_second;           // of a short row
  double job_seconds;
  double reference_product_seconds;
  FftCost fft[2];
};

const CostModel& cost_model();  // of the ISA in use

}  // namespace convcorr
