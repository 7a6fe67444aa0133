#include "problem/problem.h"

#include "base/checked.h"

namespace convcorr {
namespace {

void require(bool ok, const char* what) {
  if (!ok) throw ValueError(what);
}

void validate(const SpatialAxis& a) {
  require(a.in >= 1, "an axis of x has no samples");
  require(a.kernel >= 1, "an axis of the kernel has no taps");
  require(a.out >= 1, "an axis of the output has no samples");
  require(a.stride >= 1, "stride must be at least 1");
  require(a.dilation >= 1, "dilation must be at least 1");
  require(a.in_dilation >= 1, "in_dilation must be at least 1");
  const index_t span = checked_mul(a.kernel - 1, a.dilation);
  checked_add(checked_add(checked_mul(a.out - 1, a.stride), span), a.offset < 0 ? -a.offset : a.offset);
  checked_mul(checked_mul(a.in, a.in_dilation), 4);  // border arithmetic stays in 64 bits
  require(a.in_dilation == 1 || a.border == Border::constant, "in_dilation takes the constant border alone");
}

bool strides_fit(const OuterAxis& a) {
  switch (a.role) {
    case Role::batch:
      return a.h_stride == 0;
    case Role::group:
      return true;
    case Role::out_channel:
      return a.x_stride == 0;
    case Role::in_channel:
      return a.y_stride == 0;
  }
  return false;
}

}  // namespace

void validate(const Problem& p) {
  const bool real = p.sum_type == DType::f16 || p.sum_type == DType::f32 || p.sum_type == DType::f64;
  require(real || (p.summation == Summation::fast && p.divisor == 1), "an order or a divisor takes real floating sums");
  if (p.summation > Summation::in_order) {
    int axes = 0;
    for (int a = 0; a < p.spatial_count; ++a) axes += p.spatial[a].kernel > 1 ? 1 : 0;
    require(axes <= 1, "this order of summation takes one axis with taps");
    require(p.summation == Summation::last_first || static_cast<index_t>(tap_count(p)) % 2 == 1,
            "pairs of taps take an odd kernel");
  }
  require(p.spatial_count >= 0 && p.spatial_count <= max_spatial, "too many spatial axes");
  require(p.outer_count >= 0 && p.outer_count <= max_outer, "too many axes");
  for (int a = 0; a < p.spatial_count; ++a) {
    validate(p.spatial[a]);
    require(p.spatial[a].in_dilation == 1 || fill_is_zero(p), "in_dilation takes a zero fill alone");
  }
  for (int a = 0; a < p.outer_count; ++a) {
    require(p.outer[a].size >= 1, "an axis has no elements");
    require(strides_fit(p.outer[a]), "an axis strides through an array that its role leaves out");
  }
}

double output_count(const Problem& p) {
  double n = 1;
  for (int a = 0; a < p.spatial_count; ++a) n *= static_cast<double>(p.spatial[a].out);
  for (int a = 0; a < p.outer_count; ++a) {
    if (p.outer[a].role != Role::in_channel) n *= static_cast<double>(p.outer[a].size);
  }
  return n;
}

double tap_count(const Problem& p) {
  double n = 1;
  for (int a = 0; a < p.spatial_count; ++a) n *= static_cast<double>(p.spatial[a].kernel);
  for (int a = 0; a < p.outer_count; ++a) {
    if (p.outer[a].role == Role::in_channel) n *= static_cast<double>(p.outer[a].size);
  }
  return n;
}

}  // namespace convcorr
