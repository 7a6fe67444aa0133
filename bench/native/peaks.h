// What one ISA does at best: plain function pointers, one table per ISA, as csrc/kernels/table.h has them.
#pragma once

#include "base/types.h"

namespace convcorr::bench {

struct PeakTable {
  // `rounds` rounds of products[c] independent multiply-adds of a compute type's scalars, in registers alone.
  void (*multiply_add[compute_count])(index_t rounds);
  index_t products[compute_count];
  // Bytes from one place to another by whole registers; what is left of a multiple of 4 registers stays behind.
  void (*copy)(const void* from, void* to, index_t bytes);
};

}  // namespace convcorr::bench
