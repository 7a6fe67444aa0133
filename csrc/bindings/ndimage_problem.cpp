#include "bindings/ndimage_problem.h"

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <cstdint>

#include "plan/small.h"

namespace convcorr {
namespace {

// The largest magnitude that an integer type holds.
double largest(DType t) {
  constexpr double sizes[] = {0, 0x1p8, 0x1p16, 0, 0x1p32};
  return is_integer(t) && itemsize(t) <= 4 ? sizes[itemsize(t)] : HUGE_VAL;
}

bool is_small_integer(DType t) { return is_integer(t) && itemsize(t) <= 2; }

// What is known of a kernel's taps.
struct Facts {
  double magnitude = 0;                                // the sum of |tap|
  bool whole = true, narrow = true, has_zero = false;  // narrow: float32 holds each

  Facts(const double* taps, index_t n) {
    for (index_t i = 0; i < n; ++i) {
      magnitude += std::fabs(taps[i]);
      whole = whole && taps[i] == std::floor(taps[i]);
      narrow = narrow && taps[i] == static_cast<float>(taps[i]);
      has_zero = has_zero || taps[i] == 0;
    }
  }
};

// Whether every sum below is a whole number that a type of so many bits holds, in whatever order it is taken.
bool is_exact(const Problem& p, const Facts& facts, double bits) {
  if (!facts.whole || !is_integer(p.x_type) || p.fill.re != std::floor(p.fill.re)) return false;
  return facts.magnitude * std::max(largest(p.x_type), static_cast<double>(std::fabs(p.fill.re))) < bits;
}

// Sums by the types of x and y: in float32 where that loses little more than a result in float32 does. (Taps rounded to
// float32 would not sum to 1: SciPy's own test of a Gaussian's mean fails then.)
void set_sums(Problem& p, const Facts& facts, index_t taps) {
  constexpr index_t few = 16;
  const bool narrow_x = p.x_type == DType::f32 || is_small_integer(p.x_type);
  p.sum_type = DType::f64;
  if (p.y_type == DType::f32 && narrow_x && facts.narrow && taps <= few) p.sum_type = DType::f32;
  if (!is_integer(p.y_type)) return;
  p.narrowing = Narrowing::truncate;
  if (is_small_integer(p.x_type) && is_exact(p, facts, 0x1p24)) p.sum_type = DType::f32;
}

// The order in which SciPy sums along one axis.
Summation order_of(const Kernel& kernel) {
  const index_t n = kernel.size;
  bool same = n % 2 == 1, opposite = same;
  for (index_t i = 0; i < n / 2; ++i) {
    same = same && std::fabs(kernel.taps[i] - kernel.taps[n - 1 - i]) <= DBL_EPSILON;
    opposite = opposite && std::fabs(kernel.taps[i] + kernel.taps[n - 1 - i]) <= DBL_EPSILON;
  }
  return same ? Summation::symmetric : opposite ? Summation::antisymmetric : Summation::last_first;
}

void set_types(Problem& p, const View& x, const View& y, double fill) {
  p.x_type = as_bytes(x.type);
  p.x_swapped = x.swapped;
  p.y_type = y.type;
  p.fill = {fill, 0};
}

constexpr double one = 1;
constexpr float one_f32 = 1;

SpatialAxis spatial_axis(const Shape& shape, const View& x, const View& y, int axis, index_t taps) {
  SpatialAxis a = plain_axis(shape.of[axis], taps, shape.of[axis]);
  a.x_stride = x.strides[axis];
  a.y_stride = y.strides[axis];
  return a;
}

// An axis without taps; where it goes on as the one before it does, they are one.
void add_batch(Problem& p, const Shape& shape, const View& x, const View& y, int axis) {
  const index_t n = shape.of[axis], xs = x.strides[axis], ys = y.strides[axis];
  if (n == 1) return;
  if (p.outer_count > 0) {
    OuterAxis& last = p.outer[p.outer_count - 1];
    if (last.x_stride == n * xs && last.y_stride == n * ys) {
      last.size *= n;
      last.x_stride = xs;
      last.y_stride = ys;
      return;
    }
  }
  p.outer[p.outer_count++] = {Role::batch, n, xs, 0, ys};
}

// Few axes of few elements are posed as a small image, which takes no batches.
bool may_be_small(const Shape& shape) {
  index_t n = 1;
  for (int a = 0; a < shape.ndim; ++a) {
    n *= shape.of[a];
    if (n > small_padded_bytes) return false;
  }
  return shape.ndim <= 2;
}

template <class T>
bool all_finite(const char* data, index_t n) {
  const T* x = reinterpret_cast<const T*>(data);
  T sum = 0;
  for (index_t i = 0; i < n; ++i) sum += x[i] * T(0);  // NaN from any NaN or Inf
  return sum == 0;
}

// From so many taps on, a look at the data is cheap against sums tap by tap.
constexpr index_t many_taps_of_a_list = 64;

// Whether there is no NaN and no Inf in x; false also where it isn't plainly seen.
bool is_finite(const Shape& shape, const View& x) {
  index_t stride = itemsize(x.type), n = 1;
  if (x.swapped || reinterpret_cast<std::uintptr_t>(x.data) % static_cast<std::size_t>(stride) != 0) return false;
  for (int axis = shape.ndim - 1; axis >= 0; --axis) {
    if (shape.of[axis] != 1 && x.strides[axis] != stride * n) return false;
    n *= shape.of[axis];
  }
  return x.type == DType::f32 ? all_finite<float>(x.data, n) : all_finite<double>(x.data, n);
}

}  // namespace

const char* taps_at(const Problem& p, const Kernel& kernel) {
  if (kernel.taps) return reinterpret_cast<const char*>(kernel.taps);
  return p.h_type == DType::f32 ? reinterpret_cast<const char*>(&one_f32) : reinterpret_cast<const char*>(&one);
}

index_t offset_of(const Kernel& kernel, index_t origin) {
  if (kernel.flip) origin = kernel.size % 2 == 1 ? -origin : -origin - 1;
  return -(kernel.size / 2) - origin;
}

void pose_pass(const Shape& shape, const View& x, const View& y, const Pass& pass, double fill, Problem& p) {
  const Kernel& kernel = pass.kernel;
  set_types(p, x, y, pass.border == Border::constant ? fill : 0);
  p.flip = kernel.flip;
  if (kernel.taps) {
    const Facts facts(kernel.taps, kernel.size);
    set_sums(p, facts, kernel.size);
    p.h_type = DType::f64;
    if (is_integer(p.y_type) && !is_exact(p, facts, 0x1p53)) p.summation = order_of(kernel);
  } else {
    Facts facts(&one, 1);
    facts.magnitude = static_cast<double>(kernel.size);
    set_sums(p, facts, kernel.size);
    p.h_type = p.sum_type;
    p.divisor = facts.magnitude;
  }
  const bool small = may_be_small(shape);
  for (int axis = 0; axis < shape.ndim; ++axis) {
    if (axis != pass.axis && !small) {
      add_batch(p, shape, x, y, axis);
      continue;
    }
    SpatialAxis a = spatial_axis(shape, x, y, axis, axis == pass.axis ? kernel.size : 1);
    if (axis == pass.axis) {
      a.border = pass.border;
      a.offset = offset_of(kernel, pass.origin);
      a.h_stride = kernel.taps ? static_cast<index_t>(sizeof(double)) : 0;
    }
    p.spatial[p.spatial_count++] = a;
  }
}

bool pose_kernel(const Shape& shape, const View& x, const View& y, const NdKernel& kernel, const index_t* origins,
                 Border border, double fill, Problem& p) {
  set_types(p, x, y, border == Border::constant ? fill : 0);
  p.flip = kernel.flip;
  p.h_type = DType::f64;
  index_t taps = 1;
  for (int axis = 0; axis < shape.ndim; ++axis) taps *= kernel.shape[axis];
  const Facts facts(kernel.taps, taps);
  set_sums(p, facts, taps);
  const bool small = may_be_small(shape);
  const bool looks = small || taps > many_taps_of_a_list;
  const bool sees_nan = facts.has_zero && !is_integer(p.x_type) && !(looks && is_finite(shape, x));
  if (sees_nan || (is_integer(p.y_type) && !is_exact(p, facts, 0x1p53))) p.summation = Summation::in_order;
  for (int axis = 0; axis < shape.ndim; ++axis) {
    const index_t size = kernel.shape[axis];
    if (size == 1 && !small) {
      add_batch(p, shape, x, y, axis);
      continue;
    }
    if (p.spatial_count == max_spatial) return false;
    SpatialAxis a = spatial_axis(shape, x, y, axis, size);
    a.border = border;
    a.offset = offset_of({nullptr, size, kernel.flip}, origins[axis]);
    p.spatial[p.spatial_count++] = a;
  }
  index_t stride = sizeof(double);
  int s = p.spatial_count;
  for (int axis = shape.ndim - 1; axis >= 0; --axis) {
    if (kernel.shape[axis] > 1 || small) p.spatial[--s].h_stride = stride;
    stride *= kernel.shape[axis];
  }
  return true;
}

}  // namespace convcorr
