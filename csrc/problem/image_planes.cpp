#include "problem/image_planes.h"

#include "base/checked.h"

namespace convcorr {
namespace {

// One of both arrays of a Problem: its strides, and which channels it has.
struct Side {
  index_t OuterAxis::* outer;
  index_t SpatialAxis::* spatial;
  index_t SpatialAxis::* size;
  Role channel;
};
constexpr Side x_side = {&OuterAxis::x_stride, &SpatialAxis::x_stride, &SpatialAxis::in, Role::in_channel};
constexpr Side y_side = {&OuterAxis::y_stride, &SpatialAxis::y_stride, &SpatialAxis::out, Role::out_channel};

// Whether elements are scalars that sums are taken in, whole ones apart.
bool has_scalars(const Problem& p, const Side& side, DType type, bool swapped) {
  if (type != p.sum_type || swapped || (type != DType::f32 && type != DType::f64)) return false;
  const index_t item = itemsize(type);
  for (int a = 0; a < p.outer_count; ++a) {
    if (p.outer[a].*side.outer % item != 0) return false;
  }
  for (int a = 0; a < p.spatial_count; ++a) {
    if (p.spatial[a].*side.spatial % item != 0) return false;
  }
  return true;
}

// The only axis of channels; null where there are none or several.
const OuterAxis* channels_of(const Problem& p, Role role) {
  const OuterAxis* only = nullptr;
  for (int a = 0; a < p.outer_count; ++a) {
    if (p.outer[a].role != role || p.outer[a].size == 1) continue;
    if (only) return nullptr;
    only = &p.outer[a];
  }
  return only;
}

bool has_pixels(const Problem& p, const Side& side, DType type, bool swapped) {
  const OuterAxis* const channels = channels_of(p, side.channel);
  return channels && channels->*side.outer == itemsize(type) && has_scalars(p, side, type, swapped);
}

// Returns the bytes that all planes take.
index_t lay_out_planes(Problem& p, const Side& side, DType type) {
  constexpr index_t line = 64, page = 4096;
  index_t bytes = itemsize(type);
  for (int a = p.spatial_count - 1; a >= 0; --a) {
    p.spatial[a].*side.spatial = bytes;
    bytes = checked_mul(bytes, p.spatial[a].*side.size);
  }
  bytes = ceil_div(bytes, line) * line;
  if (bytes % page == 0) bytes += line;
  constexpr Role outwards[] = {Role::in_channel, Role::out_channel, Role::group, Role::batch};
  for (const Role role : outwards) {
    if (role != side.channel && (role == Role::in_channel || role == Role::out_channel)) continue;
    for (int a = p.outer_count - 1; a >= 0; --a) {
      if (p.outer[a].role != role) continue;
      p.outer[a].*side.outer = bytes;
      bytes = checked_mul(bytes, p.outer[a].size);
    }
  }
  return bytes;
}

}  // namespace

bool x_has_pixels(const Problem& p) { return has_pixels(p, x_side, p.x_type, p.x_swapped); }
bool y_has_pixels(const Problem& p) { return has_pixels(p, y_side, p.y_type, false); }

Problem with_x_as_planes(const Problem& p) {
  Problem planes = p;
  lay_out_planes(planes, x_side, p.x_type);
  return planes;
}

Problem with_y_as_planes(const Problem& p) {
  Problem planes = p;
  lay_out_planes(planes, y_side, p.y_type);
  return planes;
}

Problem as_planes(const Problem& p) {
  if (!x_has_pixels(p)) return p;
  const Problem planes = with_x_as_planes(p);
  return y_has_pixels(p) ? with_y_as_planes(planes) : planes;
}

bool x_has_planes(const Problem& p) {
  if (!channels_of(p, Role::in_channel) || !has_scalars(p, x_side, p.x_type, p.x_swapped)) return false;
  for (int a = p.spatial_count - 1; a >= 0; --a) {
    if (p.spatial[a].in > 1) return p.spatial[a].x_stride == itemsize(p.x_type);
  }
  return false;
}

Problem with_x_as_pixels(const Problem& p) {
  Problem pixels = p;
  index_t bytes = itemsize(p.x_type);
  const auto lay_out = [&](Role role) {
    for (int a = p.outer_count - 1; a >= 0; --a) {
      if (p.outer[a].role != role) continue;
      pixels.outer[a].x_stride = bytes;
      bytes = checked_mul(bytes, p.outer[a].size);
    }
  };
  lay_out(Role::in_channel);
  lay_out(Role::group);
  for (int a = p.spatial_count - 1; a >= 0; --a) {
    pixels.spatial[a].x_stride = bytes;
    bytes = checked_mul(bytes, p.spatial[a].in);
  }
  lay_out(Role::batch);
  return pixels;
}

index_t x_planes_bytes(const Problem& p) {
  Problem planes = p;
  return lay_out_planes(planes, x_side, p.x_type);
}

index_t y_planes_bytes(const Problem& p) {
  Problem planes = p;
  return lay_out_planes(planes, y_side, p.y_type);
}

}  // namespace convcorr
