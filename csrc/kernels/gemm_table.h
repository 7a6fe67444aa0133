// Kernels of products of matrices, for the engine: see kernels/table.h.
#pragma once

#include "base/types.h"

namespace convcorr {

// Products of matrices, panel by panel:
//   c[r][j] = sum over k of  a[r][k] * panel[offsets[k] + j]     r in [0, rows), j in [0, columns), k in [0, depth)
//
// A panel is as wide as 1 .. most_vectors registers; columns behind `columns` are computed and dropped. Its rows are
// made for it, or stretches of a plane of samples, each tap's a little further on. Each c[r][j] is
// summed in the order of k, whatever the rows and columns around it.
struct GemmPanel {
  const void* a;
  // Scalars from row to row, a row's own being neighbours. 0: a is packed, in tiles of [k][tile_rows].
  index_t a_row;
  index_t a_tile;  // scalars from tile to tile
  const void* panel;
  const index_t* offsets;  // [depth], scalars
  index_t depth;
  int vectors;
  void* c;
  index_t c_row;  // scalars from row to row
  index_t rows, columns;
  const void* bias;                    // [rows]: what sums begin with; null: zeros
  bool adds;                           // what c holds is added to the sums, and no bias
  const index_t* a_offsets = nullptr;  // where each row of a begins, in scalars, instead of what a_row says; or null
  const index_t* a_places = nullptr;   // [depth], with a_offsets: scalars from there to each number; null: neighbours
  const void* column_bias = nullptr;   // [vectors whole registers], with a_places: as `bias`, of columns
};

// Columns [at, at + n) of a panel are x[from + i * step]; where `from` is negative they are zeros.
struct PanelPiece {
  index_t at, n, from, step;  // scalars
};

// Rows of a panel: for each channel, for each tap a row made of the tap's pieces, which cover all of its columns in
// their order.
struct PanelRows {
  const PanelPiece* pieces;
  const index_t* first_piece;  // of each tap, and behind the last one's
  index_t taps;
  index_t channels, channel_stride;  // scalars
  const void* x;                     // channel 0
  const void* x_end;                 // where x ceases to be readable
  void* panel;                       // writable for a register more
  index_t width;                     // scalars from row to row
  index_t panel_step;                // from a channel's first row to the next one's
};

// Planes of samples with zeros around: row r in [first, end) of each channel's plane holds, from column `at` on,
// x[from + (r - first) * row_step + i * step] for i in [0, n); all else is zero.
struct PaddedRows {
  const void* x;      // channel 0
  const void* x_end;  // where x ceases to be readable
  index_t channels, channel_stride;
  index_t from, row_step, step;  // scalars
  index_t first, end;
  index_t at, n;
  index_t width;   // scalars from row to row
  index_t length;  // of a plane; it is writable for a register more
  void* planes;
  index_t plane_step;  // from a channel's plane to the next one's
};

// Few columns, fewer than would fill a register: lanes run along the depth.
//   sums[r][j] = register of partial sums of a[r][k] * columns[j * column_row + k] over k in [0, depth)
struct GemmDots {
  const void* a;
  index_t a_row;  // scalars from row to row
  const void* columns;
  index_t column_row;  // scalars from column to column
  index_t depth;
  void* sums;  // [rows][count] registers
  index_t rows, count;
  bool adds;  // to what sums hold
};

struct GemmFunctions {
  bool (*multiply)(const GemmPanel& panel);  // whether all sums are finite, those dropped included
  void (*dot)(const GemmDots& dots);
  // c[r * c_row + j] = bias[r] + the lanes of sums[r][j]; whether all are finite. bias: null, or a number for each row.
  bool (*add_lanes)(const void* sums, index_t rows, index_t count, const void* bias, void* c, index_t c_row);
  void (*pack)(const PanelRows& rows);
  void (*pad)(const PaddedRows& rows);
  // panel[k * panel_row + r] = rows[r * row_length + k] for r in [0, width), k in [0, n): both are whole registers.
  void (*turn)(const void* rows, index_t row_length, index_t width, index_t n, void* panel, index_t panel_row);
  int most_vectors, tile_rows;
};

struct GemmTable {
  GemmFunctions f32, f64;
};

}  // namespace convcorr
