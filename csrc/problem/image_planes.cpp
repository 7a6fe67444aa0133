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

bool has_pixels(const Problem& p, const Side& side, DType type, bool swapped) {
  if (type != p.sum_type || swapped || (type != DType::f32 && type != DType::f64)) return false;
  const index_t item = itemsize(type);
  int channels = 0;
  const auto is_whole = [item](index_t stride) { return stride % item == 0; };
  for (int a = 0; a < p.outer_count; ++a) {
    const OuterAxis& o = p.outer[a];
    if (!is_whole(o.*side.outer)) return false;
    if (o.role != side.channel || o.size == 1) continue;
    if (o.*side.outer != item) return false;
    ++channels;
  }
  for (int a = 0; a < p.spatial_count; ++a) {
    if (!is_whole(p.spatial[a].*side.spatial)) return false;
  }
  return channels == 1;
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

index_t x_planes_bytes(const Problem& p) {
  Problem planes = p;
  return lay_out_planes(planes, x_side, p.x_type);
}

index_t y_planes_bytes(const Problem& p) {
  Problem planes = p;
  return lay_out_planes(planes, y_side, p.y_type);
}

}  // namespace convcorr
