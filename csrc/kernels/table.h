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

// A row of sums whose every bit is fixed: products and sums are rounded one by one, in the order of the terms.
//   single       lines[0][i] taps[0] + lines[1][i] taps[1] + ...
//   sums         lines[0][i] taps[0] + (lines[1][i] + lines[2][i]) taps[1] + (lines[3][i] + lines[4][i]) taps[2] + ...
//   differences  the same with lines[1][i] - lines[2][i], ...
enum class Terms : unsigned char { single, sums, differences };

// y[i] for i in [0, m) of `count` >= 1 taps. Each line is readable for max(m, lanes) outputs.
using sums_fn = void (*)(const void* const* lines, const void* taps, index_t count, Terms terms, void* y, index_t m);

// Sums of every `window` >= 4 samples of a line, `step` apart: y[i] = x[i] + x[i + step] + ... for i in [0, m), in a
// tree of sums that is the same for every i. `scratch` is as long as x, m + (window - 1) step.
using window_fn = void (*)(const void* x, index_t window, index_t step, void* scratch, void* y, index_t m);

struct SumsFunctions {
  sums_fn list;
  window_fn window;
  void (*add)(const void* a, const void* b, void* y, index_t m);  // y[i] = a[i] + b[i]; y may be one of them
  void (*divide)(void* y, index_t m, double divisor);
  // Whole numbers y[i], to anything with the same whole part as y[i] / divisor: magnitudes are below 2^22 (f32) or
  // 2^50.
  void (*divide_whole)(void* y, index_t m, double divisor);
  // A bit for each of `blocks` <= 64 blocks of settled_block sums: whether one of them lies within `doubt` of a whole
  // number but 0. Their magnitudes are below 2^22 (f32) or 2^51 (f64).
  unsigned long long (*doubtful)(const void* sums, index_t blocks, double doubt);
};
constexpr index_t settled_block = 32;

struct SumsTable {
  SumsFunctions f32, f64;
  sums_fn list_of_f32;  // `list` of float32 lines with taps and sums in double
};

// n elements of a dtype, `stride` bytes apart and of any alignment, to or from a contiguous row of a compute type.
using load_fn = void (*)(const char* src, index_t stride, index_t n, void* dst);
using store_fn = void (*)(const void* src, index_t n, char* dst, index_t stride);
// n units of 2, 4 or 8 bytes with their bytes reversed, to a contiguous row.
using swap_fn = void (*)(const char* src, index_t stride, index_t n, void* dst);

// a[0] b[0] a[1] b[1] ... : n units of each, 4 or 8 bytes; dst of any alignment.
using zip_fn = void (*)(const void* a, const void* b, index_t n, char* dst);

struct ConvertTable {
  load_fn load[dtype_count][compute_count];    // null where the engine never asks
  store_fn store[compute_count][dtype_count];  // likewise
  swap_fn swap2, swap4, swap8;
  zip_fn zip4, zip8;
};

// A tile of complex numbers that is transformed as a whole: `columns` axes of rows, then a lane axis within each row.
// An element is two registers, the real parts of `lanes` numbers and their imaginary parts; rows lie `pitch` elements
// apart.
//
//   axis of columns   neighbours along it are rows apart: each lane transforms a signal of its own
//   lane axis         its points fill the registers of a row; with `lanes_free` it isn't transformed
//
// Spectra stay in the order that the passes leave them in (decimation in frequency forwards, in time backwards), and
// are only ever multiplied. Real data of N samples along the outermost transformed axis go in folded ("right-angle"):
// point n is (x[n] + i x[n + N/2]) e^(i pi n / N), so that N/2 points serve, and what goes round its end comes back
// negated.
constexpr int max_fft_columns = 3, max_fft_levels = 12;
constexpr index_t near_registers = 32;

struct FftAxis {
  index_t points;  // complex numbers along it
  int levels;      // passes; on the lane axis those before the base case
  unsigned char radix[max_fft_levels];
  // For each level and butterfly: w, w^2, ..., w^(radix/2); on the lane axis for a register of butterflies at a time.
  // The outermost axis of folded data has radix values there at level 0, the fold included.
  const void* twiddles[max_fft_levels];
  // Of a level whose table would be long, else null. Register j's twiddles are then far[j / n] * near[j % n], n =
  // near_registers: `twiddles` holds near - 1 for n registers, and this far, as a rounded number and what rounding took
  // from it (re, im, re, im), so that products are as good as rounded tables.
  const void* far_twiddles[max_fft_levels];
  const void* base_twiddles;  // of the lane axis' base case
};

struct FftTile {
  int columns;
  FftAxis column[max_fft_columns];
  FftAxis lane;  // points: 0 where lanes_free
  bool lanes_free;
  bool folded;      // the data are real
  index_t vectors;  // elements of a row
  index_t pitch;
};

// Rows of data: [points of column 0, twice as many where folded][points of column 1]...; a null pointer among those to
// be written is a row that nobody wants. A complex tile's rows are interleaved complex numbers.
struct FftRows {
  void* const* rows;
  index_t count;  // elements (samples of x's type) wanted of each row
};

// A part of the outermost axis' passes, for tiles that several threads share. Of columns: registers [first, end) of
// each row; of the lane: butterflies [first, end) of the last level in `levels`.
struct FftStrip {
  int levels;
  index_t first, end;
};

// What `enter` reads: scalars [low, high) of each row; the others count as zeros, and so do rows that are null.
struct FftInput {
  const void* const* rows;
  index_t low, high;
  // A kernel's first sample of each row lies behind its last ones, at this scalar; 0: where it belongs.
  index_t origin;
  // What samples are multiplied by: those at position 0 of the outermost axis, and all others.
  double first_factor, factor;
  // Which blocks of the outermost axis' first pass to write; the others' place in the tile isn't touched.
  int first_block, end_block;
};

struct FftFunctions {
  // tile = transform of the rows.
  void (*transform)(const FftTile& t, const void* const* rows, void* tile);
  // rows = inverse of (transform of the rows * spectrum), in `tile`.
  void (*convolve)(const FftTile& t, const void* const* rows, void* tile, const void* spectrum, const FftRows& out);
  // rows = inverse of (transformed * spectrum), in `tile`.
  void (*invert)(const FftTile& t, const void* transformed, const void* spectrum, void* tile, const FftRows& out);

  // The same in three phases: what lies between enter and leave falls into blocks, apart from each other.
  void (*enter)(const FftTile& t, const FftStrip& strip, const FftInput& in, void* tile);
  // Convolves blocks [first, end) of the tile with those of a kernel that was entered too, and is transformed on the
  // way unless it `is_spectrum` already. A null tile leaves the kernel's spectrum alone.
  void (*middle)(const FftTile& t, int levels, index_t first, index_t end, void* tile, void* kernel, bool is_spectrum);
  void (*leave)(const FftTile& t, const FftStrip& strip, void* tile, const FftRows& out);

  // cells[c] = energy of scalars [c * cell, (c + 1) * cell) of a row, for every whole or partial c; returns their sum.
  double (*square_cells)(const void* row, index_t scalars, index_t cell, void* cells);
  // sums[i] += the squares of rows[r][i] for all `count` rows; returns what was added.
  double (*square_rows)(const void* const* rows, index_t count, index_t scalars, void* sums);
  double (*sum_line)(const void* line, index_t scalars);
  // sums[i] = the sum of lines i .. i + of - 1, for i in [0, count). Running sums: what they lose is some roundings of
  // the whole, thousands of times less than the comparison asks.
  void (*sum_lines)(const void* lines, index_t length, index_t of, index_t count, void* sums);
  // The least sum of the first `whole` cells of a line. Cells are whole registers, or a power of two of lanes.
  double (*least_sum)(const void* line, index_t cell, index_t whole);
  // The least sum of `window` neighbours of a line, of those that begin at [0, count). Both arrays are readable and
  // writable to a register beyond `length`, and overwritten.
  double (*least_window)(void* line, void* sums, index_t length, index_t window, index_t count);
};

struct FftTable {
  FftFunctions f32, f64;
};

struct GemmTable;  // kernels/gemm_table.h

struct WinogradTable;  // kernels/winograd_table.h

struct DepthwiseTable;  // kernels/depthwise_table.h

// Everything that one ISA offers.
struct Kernels {
  const char* isa;
  const TapsTable* taps;
  const TapsTable* narrow_taps;  // the same for registers of half the width, or null
  const RowsTable* rows;
  const SumsTable* sums;
  const ConvertTable* convert;
  const FftTable* fft;
  const FftTable* narrow_fft;  // for registers of half the width, or null
  const GemmTable* gemm;
  const WinogradTable* winograd;
  const DepthwiseTable* depthwise;
};

}  // namespace convcorr
