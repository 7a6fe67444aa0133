#include "execute/bias.h"

#include <cstring>

#include "problem/element.h"
#include "problem/odometer.h"

namespace convcorr {
namespace {

// One row of outputs of a channel, of any alignment.
template <class T>
void add_to_row(char* row, index_t n, index_t stride, const char* bias, DType) {
  T b, y;
  std::memcpy(&b, bias, sizeof b);
  for (index_t i = 0; i < n; ++i) {
    std::memcpy(&y, row + i * stride, sizeof y);
    y += b;
    std::memcpy(row + i * stride, &y, sizeof y);
  }
}

template <class Sum>
void add_elements(char* row, index_t n, index_t stride, const char* bias, DType type) {
  const Sum b = read_element<Sum>(bias, type, false);
  for (index_t i = 0; i < n; ++i) {
    char* const y = row + i * stride;
    write_element(y, type, static_cast<Sum>(read_element<Sum>(y, type, false) + b), Narrowing::wrap);
  }
}

using add_fn = void (*)(char* row, index_t n, index_t stride, const char* bias, DType type);
add_fn add_of(DType type) {
  switch (type) {
    case DType::f16:
      return add_elements<float>;
    case DType::f32:
      return add_to_row<float>;
    case DType::f64:
      return add_to_row<double>;
    case DType::f80:
      return add_elements<long double>;
    case DType::c64:
      return add_elements<std::complex<float>>;
    case DType::c128:
      return add_elements<std::complex<double>>;
    case DType::c160:
      return add_elements<std::complex<long double>>;
    default:
      return add_elements<std::uint64_t>;
  }
}

}  // namespace

void add_bias(const Problem& p, const Arrays& arrays, const Run& run) {
  const int last = p.spatial_count - 1;
  const SpatialAxis none = plain_axis(1, 1, 1);
  const SpatialAxis& lane = last >= 0 ? p.spatial[last] : none;
  Odometer rows;
  for (int a = 0; a < p.outer_count; ++a) {
    if (p.outer[a].role != Role::in_channel) rows.add_axis(p.outer[a].size);
  }
  for (int a = 0; a < last; ++a) rows.add_axis(p.spatial[a].out);
  const add_fn add = add_of(p.y_type);
  const index_t item = itemsize(p.y_type), per_job = 64;
  const index_t count = rows.count();
  run_jobs((count + per_job - 1) / per_job, run, [&](index_t job, Worker&) {
    Odometer at = rows;
    at.seek(job * per_job);
    for (index_t r = job * per_job; r < count && r < (job + 1) * per_job; ++r, at.next()) {
      char* row = arrays.y;
      index_t channel = 0;
      int axis = 0;
      for (int a = 0; a < p.outer_count; ++a) {
        const OuterAxis& o = p.outer[a];
        if (o.role == Role::in_channel) continue;
        row += at.at[axis] * o.y_stride;
        if (o.role != Role::batch) channel = channel * o.size + at.at[axis];
        ++axis;
      }
      for (int a = 0; a < last; ++a, ++axis) row += at.at[axis] * p.spatial[a].y_stride;
      add(row, lane.out, lane.y_stride, arrays.bias + channel * item, p.y_type);
    }
  });
}

}  // namespace convcorr
