// What things cost: a few constants per ISA, from bench/native on the reference machines. They only steer.
#pragma once

#include "base/types.h"

namespace convcorr {

struct CostModel {
  double products_per_second[compute_count];  // of the direct kernels in L1, one thread
  double row_seconds;                         // of one kernel call
  double line_bytes_per_second;               // converting or copying a line
  double copy_bytes_per_second;               // from and to memory
  double small_products_per_second;           // of a short row
  double job_seconds;
  double reference_product_seconds;
};

const CostModel& cost_model();  // of the ISA in use

}  // namespace convcorr
