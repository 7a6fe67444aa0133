// Where the tiles of a Winograd layer lie: the roles of a Problem as flat counts, registers of tiles cut into pieces of
// rows, and rows of samples and outputs that aren't rows of the compute type.
#pragma once

#include <vector>

#include "kernels/winograd_table.h"
#include "plan/winograd_plan.h"

namespace convcorr {

// Bytes from the first element of each array; elements of the bias.
struct RoleOffset {
  index_t x, h, y, bias;
};

// A square of taps at one tap of each further axis.
struct Section {
  index_t row, lane;         // the square's first taps
  index_t tap[max_spatial];  // of the axes that tiles don't span
};

// One call, as all its jobs see it.
struct WinogradCall {
  WinogradCall(const Problem& p, const WinogradPlan& w, const Arrays& arrays);

  bool is_tiled(int axis) const { return axis == w.row_axis || axis == w.lane_axis; }
  // Which output an image is along each axis that tiles don't span.
  void find_image(index_t image, index_t* at) const;

  const char* x(index_t group, index_t in) const { return arrays.x + groups[group].x + ins[in].x; }
  const char* h(index_t group, index_t out) const { return arrays.h + groups[group].h + outs[out].h; }
  char* y(index_t group, index_t out) const { return arrays.y + groups[group].y + outs[out].y; }

  const Problem& p;
  const WinogradPlan& w;
  const Arrays arrays;
  const WinogradFunctions& kernels;
  std::vector<RoleOffset> images;             // C order of the axes, those that tiles don't span last: of these, y's
  std::vector<RoleOffset> groups, ins, outs;  // C order of the axes of each
  std::vector<Section> sections;
  const char* x_end;  // where x ceases to be readable
  const char* h_end;
  std::vector<char> bias;           // [groups][outs] of y's type; empty: none
  std::vector<double> summed_bias;  // the same of the compute type
};

// A piece, and where its first tile stands.
struct PlacedPiece {
  index_t image, tile_row, tile_column, tiles, lane;
};

// Registers [first, first + count) of tiles, cut, with the samples of one section.
class Tiles {
 public:
  Tiles(const WinogradCall& call, index_t first, index_t count, const Section& section);

  index_t registers() const { return static_cast<index_t>(begin_.size()) - 1; }
  index_t pieces(index_t reg) const { return begin_[reg + 1] - begin_[reg]; }
  const WinogradPiece* piece(index_t reg) const { return pieces_.data() + begin_[reg]; }
  const PlacedPiece* placed(index_t reg) const { return placed_.data() + begin_[reg]; }
  index_t most_pieces() const { return most_; }  // of a register

 private:
  void describe(const WinogradCall& call, const Section& section, const PlacedPiece& at, index_t number);

  std::vector<WinogradPiece> pieces_;
  std::vector<PlacedPiece> placed_;
  std::vector<index_t> begin_;
  index_t most_ = 0;
};

// Bytes of the rows under a register's pieces, where they have to be made, and of its outputs, where they have to be
// stored from rows.
index_t made_bytes(const WinogradPlan& w, index_t pieces);
index_t sums_bytes(const WinogradPlan& w, index_t pieces);

void make_rows(const WinogradCall& call, const Section& section, const PlacedPiece* placed, index_t pieces,
               const char* channel, char* rows);
void store_rows(const WinogradCall& call, const PlacedPiece* placed, index_t pieces, const char* rows, char* channel);

}  // namespace convcorr
