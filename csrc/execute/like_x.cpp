#include "execute/like_x.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "base/checked.h"
#include "problem/reference.h"

namespace convcorr {
namespace {

// Bytes from the first output to the one that an odometer stands at.
index_t offset_of(const Problem& p, const Odometer& at) {
  index_t bytes = 0;
  int axis = 0;
  for (int a = 0; a < p.outer_count; ++a) {
    if (p.outer[a].role != Role::in_channel) bytes += at.at[axis++] * p.outer[a].y_stride;
  }
  for (int a = 0; a < p.spatial_count; ++a) bytes += at.at[axis++] * p.spatial[a].y_stride;
  return bytes;
}

}  // namespace

bool is_unlike_x(const Problem& p) {
  for (int i = 0; i < p.outer_count; ++i) {
    const OuterAxis& b = p.outer[i];
    if (b.size < 2 || b.x_stride != itemsize(p.x_type)) continue;
    for (int a = 0; a < p.spatial_count; ++a) {
      const SpatialAxis& s = p.spatial[a];
      if (s.x_stride != b.size * b.x_stride) continue;
      if (b.y_stride != itemsize(p.y_type) || s.y_stride != b.size * b.y_stride) return true;
    }
  }
  return false;
}

index_t lay_out_like_x(Problem& p) {
  struct Axis {
    index_t x_stride, size;
    index_t* y_stride;
  };
  std::vector<Axis> axes;
  for (int a = 0; a < p.outer_count; ++a) {
    axes.push_back({std::abs(p.outer[a].x_stride), p.outer[a].size, &p.outer[a].y_stride});
  }
  for (int a = 0; a < p.spatial_count; ++a) {
    axes.push_back({std::abs(p.spatial[a].x_stride), p.spatial[a].out, &p.spatial[a].y_stride});
  }
  std::stable_sort(axes.begin(), axes.end(), [](const Axis& a, const Axis& b) { return a.x_stride < b.x_stride; });
  index_t bytes = itemsize(p.y_type);
  for (const Axis& axis : axes) {
    *axis.y_stride = bytes;
    bytes = checked_mul(bytes, axis.size);
  }
  return bytes;
}

void copy_outputs(const Problem& p, const char* from, const Problem& to, char* y) {
  const auto size = static_cast<std::size_t>(itemsize(p.y_type));
  const int lane = p.spatial_count - 1;
  Odometer at = outputs_of(p);
  at.size[at.axes - 1] = 1;
  do {
    const char* source = from + offset_of(p, at);
    char* target = y + offset_of(to, at);
    for (index_t i = 0; i < p.spatial[lane].out; ++i) {
      std::memcpy(target + i * to.spatial[lane].y_stride, source + i * p.spatial[lane].y_stride, size);
    }
  } while (at.next());
}

}  // namespace convcorr
