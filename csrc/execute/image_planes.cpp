#include "execute/image_planes.h"

#include <algorithm>

#include "base/buffer.h"
#include "base/checked.h"
#include "execute/turn.h"
#include "problem/image_planes.h"
#include "problem/odometer.h"

namespace convcorr {
namespace {

constexpr index_t most_bytes = 32 << 20;  // of planes, unless a single item has more

// Pixels of a row, or of an image whose rows follow each other: channels are turned for all of them.
struct PixelRows {
  Odometer at;                            // batch and group axes, then spatial ones but for those that were joined
  index_t stride[2][Odometer::max_axes];  // bytes, of pixels and planes
  index_t pixels, step;                   // of a row, bytes
  index_t channels, channel_step;         // bytes of planes
};

// `from` has pixels and `to` planes, of the array whose strides these are.
PixelRows rows_of(const Problem& from, const Problem& to, index_t OuterAxis::* outer, index_t SpatialAxis::* spatial,
                  index_t SpatialAxis::* size, Role channel, index_t item) {
  PixelRows rows = {};
  rows.pixels = rows.channels = 1;
  const auto add = [&rows](index_t n, index_t pixels, index_t planes) {
    rows.stride[0][rows.at.axes] = pixels;
    rows.stride[1][rows.at.axes] = planes;
    rows.at.add_axis(n);
  };
  for (int a = 0; a < from.outer_count; ++a) {
    const OuterAxis& o = from.outer[a];
    if (o.role == channel && o.size > 1) {
      rows.channels = o.size;
      rows.channel_step = to.outer[a].*outer;
    } else if (o.role == Role::batch || o.role == Role::group) {
      add(o.size, o.*outer, to.outer[a].*outer);
    }
  }
  bool joins = true;
  for (int a = from.spatial_count - 1; a >= 0; --a) {
    const SpatialAxis& s = from.spatial[a];
    if (s.*size > 1 && rows.pixels > 1) {
      joins = joins && s.*spatial == rows.pixels * rows.step && to.spatial[a].*spatial == rows.pixels * item;
    }
    if (!joins) {
      add(s.*size, s.*spatial, to.spatial[a].*spatial);
    } else if (s.*size > 1) {
      if (rows.pixels == 1) rows.step = s.*spatial;
      rows.pixels *= s.*size;
    }
  }
  return rows;
}

// Calls turn(pixels, planes, n) with where n pixels lie, in bytes from where the arrays begin.
template <class Turn>
void for_pixels(const PixelRows& rows, index_t item, Run run, const Turn& turn) {
  constexpr index_t wanted = 1 << 14;  // scalars of a job
  const index_t per_job = ceil_div(std::max<index_t>(wanted / rows.channels, 1), 16) * 16;
  const index_t parts = ceil_div(rows.pixels, per_job), jobs = rows.at.count() * parts;
  run.seconds = static_cast<double>(rows.at.count() * rows.pixels * rows.channels) * 0.4e-9;
  run_jobs(jobs, run, [&](index_t number, Worker&) {
    Odometer at = rows.at;
    at.seek(number / parts);
    const index_t first = number % parts * per_job;
    index_t pixels = first * rows.step, planes = first * item;
    for (int a = 0; a < at.axes; ++a) {
      pixels += at.at[a] * rows.stride[0][a];
      planes += at.at[a] * rows.stride[1][a];
    }
    turn(pixels, planes, std::min(per_job, rows.pixels - first));
  });
}

Compute compute_of(DType type) { return type == DType::f32 ? Compute::f32 : Compute::f64; }

void turn_x(const Problem& p, const Problem& planes, const char* x, char* to, const Run& run) {
  const PixelRows rows = rows_of(p, planes, &OuterAxis::x_stride, &SpatialAxis::x_stride, &SpatialAxis::in,
                                 Role::in_channel, itemsize(p.x_type));
  const index_t item = itemsize(p.x_type);
  for_pixels(rows, item, run, [&](index_t from, index_t at, index_t n) {
    turn_matrix(compute_of(p.x_type), x + from, rows.step / item, n, rows.channels, to + at, rows.channel_step / item);
  });
}

void turn_y(const Problem& p, const Problem& planes, const char* from, char* y, const Run& run) {
  const PixelRows rows = rows_of(p, planes, &OuterAxis::y_stride, &SpatialAxis::y_stride, &SpatialAxis::out,
                                 Role::out_channel, itemsize(p.y_type));
  const index_t item = itemsize(p.y_type);
  for_pixels(rows, item, run, [&](index_t to, index_t at, index_t n) {
    turn_matrix(compute_of(p.y_type), from + at, rows.channel_step / item, rows.channels, n, y + to, rows.step / item);
  });
}

}  // namespace

void turn_to_pixels(const Problem& p, const Problem& pixels, const char* x, char* to, const Run& run) {
  const index_t item = itemsize(p.x_type);
  const PixelRows rows =
      rows_of(pixels, p, &OuterAxis::x_stride, &SpatialAxis::x_stride, &SpatialAxis::in, Role::in_channel, item);
  for_pixels(rows, item, run, [&](index_t in_pixels, index_t in_planes, index_t n) {
    turn_matrix(compute_of(p.x_type), x + in_planes, rows.channel_step / item, rows.channels, n, to + in_pixels,
                rows.step / item);
  });
}

void run_on_planes(const Problem& p, const Arrays& arrays, index_t spare, const Run& run,
                   const std::function<void(const Problem& part, const Arrays& planes)>& run_planes) {
  const bool turns_y = y_has_pixels(p);
  Problem part = p;
  OuterAxis none = {Role::batch, 1, 0, 0, 0}, *batch = &none;
  for (int a = 0; a < part.outer_count; ++a) {
    if (part.outer[a].role == Role::batch && part.outer[a].size > batch->size) batch = &part.outer[a];
  }
  const index_t items = batch->size;
  batch->size = 1;
  const index_t x_bytes = x_planes_bytes(part), y_bytes = turns_y ? y_planes_bytes(part) : 0;
  const index_t most = std::clamp<index_t>(most_bytes / checked_add(x_bytes, y_bytes), 1, items);
  const index_t at_once = ceil_div(items, ceil_div(items, most));
  Scratch scratch(Scratch::padded(checked_mul(x_bytes, at_once)) + Scratch::padded(y_bytes * at_once), spare);
  char *const x = scratch.take<char>(x_bytes * at_once), *const y = scratch.take<char>(y_bytes * at_once);
  for (index_t first = 0; first < items; first += at_once) {
    batch->size = std::min(at_once, items - first);
    const Problem planes = as_planes(part);
    const char* const from = arrays.x + first * batch->x_stride;
    char* const to = arrays.y + first * batch->y_stride;
    turn_x(part, planes, from, x, run);
    run_planes(planes, {x, arrays.h, turns_y ? y : to, arrays.bias});
    if (turns_y) turn_y(part, planes, y, to, run);
  }
}

}  // namespace convcorr
