// What the engine may call: plain structs of function pointers, one instance per ISA. No templates pass this line.
//
// Lengths are in elements. A complex element is a pair of scalars, interleaved. `Compute` names the type of x, taps and
// y.
#pragma once

#include "base/types.h"

namespace convcorr {

// Correlates one row with k taps: y[i] = sum_t x[i + t] w[t] for i in [0, m).
// Reads x[0 .. max(m, lanes) + k - 1). x and y do not overlap. k >= 1, m >= 1.
using taps_fn = void (*)(const void* x, const void* w, index_t k, void* y, index_t m);

struct TapsTable {
  taps_fn of[compute_count];
  const char* (*isa)();  // the ISA of the object that answers: proof of which one runs
  int register_bytes;
};

// A block of output rows, each a sum over planes, tap rows and tap columns:
//   out[r][j] = sum over p, i, c of  planes[p][r + i][j + columns[c]] * taps[p][i][c]
// Neighbouring output rows share lines: line r + i serves tap row i of output row r.
struct RowsBlock {
  const void* const* const* planes;  // [plane_count][kh + count - 1] lines, where output 0 and column offset 0 meet
  const void* taps;                  // [plane_count][kh][kw]
  const index_t* columns;            // [kw] offset of each tap column, in scalars
  bool dense;                        // columns are 0, 1, 2, ... elements
  index_t plane_count, kh, kw;
  void* const* out;  // [count] rows of m outputs
  int count;         // 1 .. RowsTable::most_rows
  index_t m;         // each line is readable for max(m, lanes) outputs
};
using rows_fn = void (*)(const RowsBlock& block);

struct RowsTable {
  rows_fn of[compute_count];
  int most_rows[compute_count];  // rows that one block may have
  // A block also needs kh >= count - 1, but for dense 3x3, 5x5 and 7x7 kernels where they are unrolled.
  bool unrolls_squares[compute_count];
};

// n elements of a dtype, `stride` bytes apart and of any alignment, to or from a contiguous row of a compute type.
using load_fn = void (*)(const char* src, index_t stride, index_t n, void* dst);
using store_fn = void (*)(const void* src, index_t n, char* dst, index_t stride);
// n units of 2, 4 or 8 bytes with their bytes reversed, to a contiguous row.
using swap_fn = void (*)(const char* src, index_t stride, index_t n, void* dst);

struct ConvertTable {
  load_fn load[dtype_count][compute_count];    // null where the engine never asks
  store_fn store[compute_count][dtype_count];  // likewise
  swap_fn swap2, swap4, swap8;
};

// Everything that one ISA offers.
struct Kernels {
  const char* isa;
  const TapsTable* taps;
  const TapsTable* narrow_taps;  // the same for registers of half the width, or null
  const RowsTable* rows;
  const ConvertTable* convert;
};

}  // namespace convcorr
