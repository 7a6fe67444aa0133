// Winograd's convolution of one or two axes: tiles of outputs by transforms of as many samples as an axis has points.
//
// Lanes are tiles: a register holds the same sample of as many tiles as it has lanes, which follow each other along the
// rows of tiles, row after row and image after image. Between the transforms stand the products of matrices, one for
// each point: (out channels x in channels) (in channels x tiles), of kernels/gemm.cpp.
//
// Where tiles are few, products are turned: (tiles x in channels) (in channels x out channels). Tiles are rows then,
// and lanes of taps, products and outputs are out channels.
#pragma once

#include "kernels/table.h"

namespace convcorr {

constexpr index_t no_row = index_t(1) << 62;  // where a row would lie
constexpr int most_winograd_points = 6, most_winograd_outputs = 4;

// F(outputs, taps) along an axis of a tile. F(1, 1) leaves it alone.
struct WinogradAxis {
  int outputs, taps;

  constexpr int points() const { return outputs + taps - 1; }
};

// Neighbours of one row of tiles, in the lanes of one register.
struct WinogradPiece {
  index_t lane, tiles;  // of the first one; how many

  // The samples under them, outputs * tiles + taps - 1 in a row: `before` fills, then `present` ones of x, then
  // fills. row: where the first present one of each row lies in a channel, in scalars; no_row: all are fills.
  index_t before, present;
  index_t row[most_winograd_points];

  // Their outputs: `wanted` of each row; where those lie in a channel, in scalars; no_row: nobody wants them.
  index_t wanted;
  index_t out_row[most_winograd_outputs];
};

// One register of tiles.
struct WinogradRegister {
  const WinogradPiece* pieces;  // in the order of their lanes
  index_t piece_count;
  void* panel;             // of the first channel and point
  index_t channel_stride;  // scalars of it
  index_t half_stride;     // scalars from the lower half of a register's lanes to the upper one; 0: they're neighbours
};

// Samples of all channels: panel[point][channel] = their transforms.
struct WinogradInput {
  const WinogradRegister* registers;
  index_t register_count;
  const void* const* x;  // [channels]
  const void* x_end;     // where x ceases to be readable
  index_t channels;
  double fill;
  index_t point_stride;  // scalars
};

// The way back: y = transform of sums[point][channel] + bias[channel], or of sums[point][tile], turned.
struct WinogradOutput {
  const WinogradPiece* pieces;
  index_t piece_count;
  const void* sums;
  index_t point_stride, row_stride;  // scalars; from channel to channel, or from tile to tile
  index_t channels;
  const void* bias;  // or null
  void* const* y;    // [channels]
};

// Squares of taps, row by row: points[point][square] = transform of the square. Lane by lane they lie lane_stride
// apart, and there are `groups` of them: of one out channel, its in channels, a register of them in each group; turned,
// of one in channel in each group, some out channels.
struct WinogradTaps {
  const void* taps;
  const void* taps_end;               // where they cease to be readable
  index_t lane_stride, group_stride;  // scalars
  index_t groups, squares,
      group_squares;  // of the squares, the first group has all, the next `group_squares` fewer, ...
  bool flip;          // rows and columns back to front
  void* points;       // writable to a whole register
  index_t point_stride, points_of_group;  // scalars
};

struct WinogradFunctions {
  WinogradAxis row, lane;
  void (*input)(const WinogradInput& in);
  // A bit for each lane whose outputs are not all finite.
  unsigned (*output)(const WinogradOutput& out);
  unsigned (*output_turned)(const WinogradOutput& out);  // null where a register is shorter than a tile
  bool (*taps)(const WinogradTaps& taps);                // whether all are finite, transformed
};

enum class WinogradTile : unsigned char { two_by_two, four_by_four, two_by_two_of_five, four_in_a_row };
constexpr int winograd_tiles = 4;

struct WinogradTiles {
  WinogradFunctions of[winograd_tiles];  // in the order of WinogradTile
};

struct WinogradTable {
  WinogradTiles f32, f64;
};

}  // namespace convcorr
