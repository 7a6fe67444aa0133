#include "execute/tile_rows.h"

#include <algorithm>
#include <cstring>

#include "base/border.h"
#include "base/checked.h"
#include "dispatch/registry.h"
#include "execute/load.h"
#include "problem/element.h"
#include "problem/odometer.h"

namespace convcorr {
namespace {

constexpr index_t samples_at_a_time = 1 << 18;  // between two looks for an interrupt

std::size_t bytes_of(index_t samples, index_t size) { return static_cast<std::size_t>(samples * size); }

// Runs of the border's rule under a block: one in the middle and one at each end, but periodic rules repeat.
index_t most_pieces(const FftPlan& f) {
  if (f.lanes_free) return 3;
  const SpatialAxis& lane = f.axis[f.axes - 1].axis;
  if (lane.border == Border::constant || lane.border == Border::edge) return 4;
  return f.row_samples / std::max<index_t>(lane.in - 1, 1) + 4;
}

// Positions of a column at which rows may have to be made.
index_t most_inside(const FftAxisPlan& c) {
  return c.axis.border == Border::constant ? std::min(c.block, c.axis.in) : c.block;
}

}  // namespace

TileExtent tile_extent(const FftPlan& f, index_t number) {
  TileExtent tile = {};
  if (f.lanes_free) {
    tile.strip_first = number % f.strips * f.strip_samples;
    tile.strip_count = std::min(f.strip_samples, f.strip.in - tile.strip_first);
    number /= f.strips;
  }
  for (int a = f.axes - 1; a >= 0; --a) {
    tile.first[a] = number % f.axis[a].tiles * f.axis[a].outputs;
    tile.count[a] = std::min(f.axis[a].outputs, f.axis[a].dense - tile.first[a]);
    number /= f.axis[a].tiles;
  }
  return tile;
}

index_t TileRows::room(const FftPlan& f) {
  index_t rows = 1;
  for (int a = 0; a < f.tile.columns; ++a) rows = checked_mul(rows, most_inside(f.axis[a]));
  return checked_mul(rows, checked_mul(f.row_samples, itemsize(f.compute)));
}

index_t TileRows::bytes(const FftPlan& f, bool makes_rows) {
  constexpr index_t word = sizeof(void*);
  const index_t row = checked_mul(f.row_samples, itemsize(f.compute));
  index_t bytes = 0;
  const auto take = [&bytes](index_t count, index_t each) {
    bytes = checked_add(bytes, checked_add(checked_mul(count, each), Scratch::line));
  };
  for (int i = 0; i < 3; ++i) take(f.rows, word);
  for (int a = 0; a < f.tile.columns; ++a) take(f.axis[a].block, word);
  take(most_pieces(f), sizeof(LinePiece));
  take(1, makes_rows ? room(f) : 0);
  take(f.zips ? checked_mul(2, f.rows) : f.rows, f.out_in_place ? 0 : row);
  take(2, checked_add(f.tile.columns > 0 ? row : 0, Scratch::line));
  return bytes;
}

TileRows::TileRows(const Problem& p, const FftPlan& f, Scratch& scratch, bool makes_rows)
    : p_(p),
      f_(f),
      columns_(f.tile.columns),
      size_(itemsize(f.compute)),
      lane_(f.lanes_free ? f.strip : f.axis[f.axes - 1].axis) {
  rows_ = scratch.take<const void*>(f.rows);
  results_ = scratch.take<void*>(f.rows);
  targets_ = scratch.take<char*>(f.rows);
  for (int a = 0; a < columns_; ++a) index_[a] = scratch.take<index_t>(f.axis[a].block);
  piece_ = scratch.take<LinePiece>(most_pieces(f));
  made_ = scratch.take<char>(makes_rows ? room(f) : 0);
  sums_ = scratch.take<char>(f.out_in_place ? 0 : (f.zips ? 2 : 1) * f.rows * f.row_samples * size_);
  zeros_ = scratch.take<char>(columns_ > 0 ? f.row_samples * size_ : 0);
  filled_ = scratch.take<char>(columns_ > 0 ? f.row_samples * size_ : 0);
  if (columns_ > 0) std::memset(zeros_, 0, bytes_of(f.row_samples, size_));
  store_ = kernels().convert->store[static_cast<int>(f.compute)][static_cast<int>(p.y_type)];
}

bool TileRows::lies_inside(const TileExtent& tile) const {
  if (!f_.in_place) return false;
  if (f_.lanes_free) return tile.strip_first + f_.row_samples <= f_.strip.in;
  const index_t position = tile.first[f_.axes - 1] + lane_.offset;
  return position >= 0 && position + f_.row_samples <= lane_.in;
}

// Where the border's runs begin under the tile: the same in all rows.
void TileRows::cut_row(const TileExtent& tile) {
  pieces_ = 0;
  index_t position = tile.strip_first, left = tile.strip_count;
  if (!f_.lanes_free) {
    const int a = f_.axes - 1;
    position = tile.first[a] + lane_.offset;
    left = std::min(tile.count[a] + f_.axis[a].span, f_.row_samples);  // less where the plan wraps
  }
  for (index_t at = 0; left > 0;) {
    const BorderRun run = border_run(position, lane_.in, lane_.border);
    const index_t n = std::min(left, run.length);
    piece_[pieces_++] = {at, run.index, n > 1 ? run.step : 0, n};
    at += n;
    left -= n;
    if (left > 0) position += n;
  }
}

void TileRows::make_piece(const LinePiece& p, const char* row, char* to) const {
  if (p.index >= 0) {
    const char* from = row + p.index * lane_.x_stride;
    load_elements(p_.x_type, p_.x_swapped, f_.compute, from, p.step * lane_.x_stride, p.n, to);
  } else if (fill_is_zero(p_)) {
    std::memset(to, 0, bytes_of(p.n, size_));
  } else {
    for (index_t j = 0; j < p.n; ++j) write_fill(to + j * size_, f_.compute, p_.fill);
  }
}

void TileRows::make_row(const char* row, char* made, const Interrupt& interrupt) const {
  index_t end = 0;
  for (index_t i = 0; i < pieces_; ++i) {
    for (LinePiece p = piece_[i], whole = p; end < whole.at + whole.n; p.at = end) {
      p.index = whole.index < 0 ? whole.index : whole.index + (p.at - whole.at) * whole.step;
      p.n = std::min(whole.at + whole.n - p.at, samples_at_a_time);
      make_piece(p, row, made + p.at * size_);
      end = p.at + p.n;
      if (p.n == samples_at_a_time) stop_if_asked(interrupt);
    }
  }
  std::memset(made + end * size_, 0, bytes_of(f_.row_samples - end, size_));
}

// A row outside x under a constant border.
const void* TileRows::filled_row(const TileExtent& tile) {
  if (fill_is_zero(p_)) return zeros_;
  index_t n = tile.strip_count;
  if (!f_.lanes_free) n = std::min(tile.count[f_.axes - 1] + f_.axis[f_.axes - 1].span, f_.row_samples);
  for (index_t j = 0; j < n; ++j) write_fill(filled_ + j * size_, f_.compute, p_.fill);
  std::memset(filled_ + n * size_, 0, bytes_of(f_.row_samples - n, size_));
  return filled_;
}

const void* const* TileRows::read(const char* x, const TileExtent& tile, const Interrupt& interrupt) {
  start(tile);
  make(x, tile, 0, f_.rows, interrupt);
  return rows_;
}

void TileRows::start(const TileExtent& tile) {
  inside_ = lies_inside(tile);
  if (!inside_) cut_row(tile);
  for (int a = 0; a < columns_; ++a) {
    const FftAxisPlan& c = f_.axis[a];
    const index_t needed = tile.count[a] + c.span;
    inside_first_[a] = c.axis.border == Border::constant ? std::max<index_t>(-(tile.first[a] + c.axis.offset), 0) : 0;
    for (index_t i = 0; i < c.block; ++i) {
      index_[a][i] = i < needed ? border_index(tile.first[a] + i + c.axis.offset, c.axis.in, c.axis.border) : unneeded;
    }
  }
  outside_ = columns_ > 0 ? filled_row(tile) : nullptr;
}

void TileRows::make(const char* x, const TileExtent& tile, index_t first, index_t end, const Interrupt& interrupt) {
  Odometer at;
  for (int a = 0; a < columns_; ++a) at.add_axis(f_.axis[a].block);
  at.seek(first);
  const index_t shift = (f_.lanes_free ? tile.strip_first : tile.first[f_.axes - 1] + lane_.offset) * size_;
  for (index_t r = first; r < end; ++r, at.next()) {
    const char* row = x;
    index_t least = 0, number = 0;
    for (int a = 0; a < columns_; ++a) {
      const index_t i = index_[a][at.at[a]];
      number = number * most_inside(f_.axis[a]) + at.at[a] - inside_first_[a];
      least = std::min(least, i);
      row += i * f_.axis[a].axis.x_stride;
    }
    if (least < 0) {
      rows_[r] = least == unneeded ? zeros_ : outside_;
    } else if (inside_) {
      rows_[r] = row + shift;
    } else {
      char* made = made_ + number * f_.row_samples * size_;
      make_row(row, made, interrupt);
      rows_[r] = made;
    }
  }
}

index_t TileRows::row_samples_wanted(const TileExtent& tile) const {
  return f_.lanes_free ? tile.strip_count : tile.count[f_.axes - 1];
}

FftRows TileRows::results(char* y, const TileExtent& tile) {
  Odometer at;
  for (int a = 0; a < columns_; ++a) at.add_axis(f_.axis[a].block);
  const index_t lane_first = f_.lanes_free ? tile.strip_first : tile.first[f_.axes - 1];
  y += lane_first / lane_.stride * lane_.y_stride;
  for (index_t r = 0; r < f_.rows; ++r, at.next()) {
    char* row = y;
    for (int a = 0; a < columns_ && row; ++a) {
      const SpatialAxis& axis = f_.axis[a].axis;
      const index_t n = tile.first[a] + at.at[a];
      row = at.at[a] < tile.count[a] && n % axis.stride == 0 ? row + n / axis.stride * axis.y_stride : nullptr;
    }
    targets_[r] = row;
    results_[r] = !row ? nullptr : f_.out_in_place ? row : sums_ + r * f_.row_samples * size_;
  }
  return {results_, row_samples_wanted(tile)};
}

void TileRows::write(const TileExtent& tile) {
  if (f_.out_in_place) return;
  const index_t n = row_samples_wanted(tile), stride = lane_.stride;
  const index_t kept = (n - 1) / stride + 1;
  for (index_t r = 0; r < f_.rows; ++r) {
    if (!targets_[r]) continue;
    auto* sums = static_cast<char*>(results_[r]);
    for (index_t i = 1; i < kept && stride > 1; ++i) {
      std::memcpy(sums + i * size_, sums + i * stride * size_, bytes_of(1, size_));
    }
    store_(sums, kept, targets_[r], lane_.y_stride);
  }
}

FftRows TileRows::zipped_results(char* y, const TileExtent& tile, int second) {
  const FftRows rows = results(y, tile);
  for (index_t r = 0; r < f_.rows && second; ++r) {
    if (results_[r]) results_[r] = sums_ + (f_.rows + r) * f_.row_samples * size_;
  }
  return rows;
}

void TileRows::write_zipped(const TileExtent& tile) {
  const ConvertTable& convert = *kernels().convert;
  const zip_fn zip = f_.f64() ? convert.zip8 : convert.zip4;
  for (index_t r = 0; r < f_.rows; ++r) {
    const char* first = sums_ + r * f_.row_samples * size_;
    if (targets_[r]) zip(first, first + f_.rows * f_.row_samples * size_, row_samples_wanted(tile), targets_[r]);
  }
}

}  // namespace convcorr
