// Matrices, transposed.
#pragma once

#include "base/types.h"

namespace convcorr {

// to[k * to_row + r] = rows[r * row_length + k] for r in [0, count), k in [0, n): scalars of the compute type, f32 or
// f64. Nothing else is touched.
void turn_matrix(Compute compute, const char* rows, index_t row_length, index_t count, index_t n, char* to,
                 index_t to_row);

}  // namespace convcorr
