#include "execute/gemm_pixels.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "base/border.h"
#include "base/checked.h"
#include "execute/gemm_panels.h"
#include "problem/odometer.h"

namespace convcorr {
namespace {

constexpr index_t slack = 64;  // scalars behind the copies that the last one may write

constexpr index_t unread_row = std::numeric_limits<index_t>::min(), zero_row = unread_row + 1;

index_t reach_of(const SpatialAxis& a, index_t outputs) {
  return (outputs - 1) * a.stride + (a.kernel - 1) * a.dilation + 1;
}

}  // namespace

Pixels::Pixels(const Problem& p, const GemmPlan& g, index_t placed)
    : p_(p), g_(g), row_(g.plane_row), lane_(g.axis[g.axes - 1]), placed_(placed) {
  for (int a = 0; a + 2 < g.axes; ++a) planes_ *= g.axis[a].kernel;
}

void Pixels::start(const PixelBlock& block) {
  block_ = block;
  height_ = reach_of(row_, block.rows);
  width_ = reach_of(lane_, block.columns);
  find_places();
  find_outputs();
  if (g_.pixels_in_place) return;
  find_runs();
  find_rows();
}

index_t Pixels::bytes() const {
  if (g_.pixels_in_place) return 0;
  const index_t pixels = checked_mul(checked_mul(block_.images * planes_, height_), width_);
  return checked_mul(checked_mul(pixels, g_.channels_per_chunk) + slack, itemsize(g_.compute));
}

// The depth goes through the taps as h has them.
void Pixels::find_places() {
  const index_t item = itemsize(p_.x_type), channels = g_.channels_per_chunk;
  places_.resize(static_cast<std::size_t>(placed_ * g_.taps));
  Odometer tap;
  for (int a = 0; a < g_.axes; ++a) tap.add_axis(g_.axis[a].kernel);
  const int outer = std::max(g_.axes - 2, 0);
  index_t t = 0;
  do {
    index_t in_x = 0, plane = 0, far[max_spatial];
    for (int a = 0; a < g_.axes; ++a) {
      const SpatialAxis& s = g_.axis[a];
      const index_t i = p_.flip ? s.kernel - 1 - tap.at[a] : tap.at[a];
      far[a] = i * s.dilation;
      in_x += far[a] * s.x_stride;
      if (a < outer) plane = plane * s.kernel + i;
    }
    const index_t row = g_.axes > 1 ? far[g_.axes - 2] : 0;
    const index_t copied = ((plane * height_ + row) * width_ + far[g_.axes - 1]) * channels;
    const index_t place = g_.pixels_in_place ? in_x / item : copied;
    for (index_t c = 0; c < placed_; ++c) places_[static_cast<std::size_t>(c * g_.taps + t)] = place + c;
    ++t;
  } while (tap.next());
}

void Pixels::find_outputs() {
  const index_t item = itemsize(p_.x_type), image_pixels = planes_ * height_ * width_;
  const bool in_place = g_.pixels_in_place;
  const index_t step = in_place ? lane_.stride * lane_.x_stride / item : lane_.stride * g_.channels_per_chunk;
  offsets_.resize(static_cast<std::size_t>(block_.images * block_.rows * block_.columns));
  index_t* offset = offsets_.data();
  row_y_.clear();
  Odometer image;
  for (int a = 0; a < g_.batch_axes; ++a) image.add_axis(g_.batch[a].size);
  for (int a = 0; a + 2 < g_.axes; ++a) image.add_axis(g_.axis[a].out);
  image.seek(block_.first_image);
  for (index_t i = 0; i < block_.images; ++i, image.next()) {
    index_t x = (block_.first_column * lane_.stride + lane_.offset) * lane_.x_stride;
    index_t y = block_.first_column * lane_.y_stride;
    for (int a = 0; a < g_.batch_axes; ++a) {
      x += image.at[a] * g_.batch[a].x_stride;
      y += image.at[a] * g_.batch[a].y_stride;
    }
    for (int a = 0; a + 2 < g_.axes; ++a) {
      const index_t n = image.at[g_.batch_axes + a];
      x += (n * g_.axis[a].stride + g_.axis[a].offset) * g_.axis[a].x_stride;
      y += n * g_.axis[a].y_stride;
    }
    for (index_t r = 0; r < block_.rows; ++r) {
      const index_t row = block_.first_row + r;
      const index_t in_x = (x + (row * row_.stride + row_.offset) * row_.x_stride) / item;
      const index_t copied = (i * image_pixels + r * row_.stride * width_) * g_.channels_per_chunk;
      const index_t first = in_place ? in_x : copied;
      for (index_t c = 0; c < block_.columns; ++c) *offset++ = first + c * step;
      row_y_.push_back(y + row * row_.y_stride);
    }
  }
}

void Pixels::find_runs() {
  runs_.clear();
  for (index_t at = 0; at < width_;) {
    const BorderRun run = border_run(block_.first_column * lane_.stride + lane_.offset + at, lane_.in, lane_.border);
    const index_t n = std::min(width_ - at, run.length);
    runs_.push_back({at, n, run.index < 0 ? -1 : run.index, run.step * lane_.x_stride});
    at += n;
  }
}

// For each image, for each plane.
void Pixels::find_rows() {
  row_x_.clear();
  std::vector<bool> read(static_cast<std::size_t>(height_));
  for (index_t r = 0; r < block_.rows; ++r) {
    for (index_t t = 0; t < row_.kernel; ++t)
      read[static_cast<std::size_t>(r * row_.stride + t * row_.dilation)] = true;
  }
  Odometer image, tap;
  for (int a = 0; a < g_.batch_axes; ++a) image.add_axis(g_.batch[a].size);
  for (int a = 0; a + 2 < g_.axes; ++a) image.add_axis(g_.axis[a].out), tap.add_axis(g_.axis[a].kernel);
  image.seek(block_.first_image);
  for (index_t i = 0; i < block_.images; ++i, image.next()) {
    index_t item_x = 0;
    for (int a = 0; a < g_.batch_axes; ++a) item_x += image.at[a] * g_.batch[a].x_stride;
    do {
      index_t x = item_x;
      bool inside = true;
      for (int a = 0; a + 2 < g_.axes; ++a) {
        const SpatialAxis& s = g_.axis[a];
        const index_t position = image.at[g_.batch_axes + a] * s.stride + tap.at[a] * s.dilation + s.offset;
        const index_t n = border_index(position, s.in, s.border);
        inside = inside && n >= 0;
        x += n * s.x_stride;
      }
      for (index_t h = 0; h < height_; ++h) {
        const index_t n = border_index(block_.first_row * row_.stride + row_.offset + h, row_.in, row_.border);
        const index_t known = inside && n >= 0 ? x + n * row_.x_stride : zero_row;
        row_x_.push_back(read[static_cast<std::size_t>(h)] ? known : unread_row);
      }
    } while (tap.next());
  }
}

// Copies may write over what follows them, as that comes later.
void Pixels::copy_row(const char* x, const char* x_end, index_t count, char* to) const {
  const index_t item = itemsize(p_.x_type), size = itemsize(g_.compute), pixel = g_.channels_per_chunk;
  constexpr index_t first_piece[2] = {0, 1};
  for (const PixelRun& run : runs_) {
    PanelPiece piece = {0, count, 0, g_.native_x ? 1 : item};
    PanelRows rows = {
        &piece, first_piece, 1, run.n, run.step, x + run.x * lane_.x_stride, x_end, to + run.at * pixel * size,
        0,      pixel};
    if (run.x < 0) {
      piece = {0, run.n * pixel, -1, 0};
      rows.channels = 1;
    } else if (run.step == count * item && count == pixel) {
      piece.n = run.n * pixel;
      rows.channels = 1;
    }
    pack_rows(p_, g_, rows);
  }
}

const char* Pixels::make(const char* x, const char* x_end, index_t channel, index_t count, char* memory) const {
  const char* const from = x + channel * itemsize(p_.x_type);
  if (g_.pixels_in_place) return from;
  const index_t row_bytes = width_ * g_.channels_per_chunk * itemsize(g_.compute);
  char* to = memory;
  for (const index_t row : row_x_) {
    if (row == zero_row) {
      std::memset(to, 0, static_cast<std::size_t>(row_bytes));
    } else if (row != unread_row) {
      copy_row(from + row, x_end, count, to);
    }
    to += row_bytes;
  }
  return memory;
}

}  // namespace convcorr
