#include "bindings/ndimage_problem.h"

#include <algorithm>
#include <cstdint>

#include "plan/small.h"

namespace convcorr {
namespace {

void set_types(Problem& p, const View& x, const View& y, double fill) {
  p.x_type = as_bytes(x.type);
  p.x_swapped = x.swapped;
  p.y_type = y.type;
  p.fill = {fill, 0};
}

// What each sample of a mean is multiplied by: 1; or a power of two so small that float32 holds the sum of the largest.
template <class T>
constexpr T mean_taps[] = {T(1), T(0x1p-5)};
static_assert(most_narrow_means <= 32);

// Whether a mean's samples are made small: where floats are summed in float32.
bool makes_small(const Problem& p) { return p.sum_type == DType::f32 && !is_integer(p.y_type); }

template <class T>
const char* mean_tap(const Problem& p) {
  return reinterpret_cast<const char*>(&mean_taps<T>[makes_small(p)]);
}

double mean_divisor(const Problem& p, const Facts& facts) {
  return facts.magnitude * mean_taps<double>[makes_small(p)];
}

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

Factor factor_of(const Problem& p, const Kernel& kernel, const Facts& facts) {
  if (!kernel.taps) {
    return {mean_tap<double>(p), 0, Summation::fast, mean_divisor(p, facts), p.bound, !makes_small(p)};
  }
  return {reinterpret_cast<const char*>(kernel.taps), sizeof(double), p.summation, 1, p.bound};
}

}  // namespace

bool may_be_small(const Shape& shape) {
  index_t n = 1;
  for (int a = 0; a < shape.ndim; ++a) {
    n *= shape.of[a];
    if (n > small_padded_bytes) return false;
  }
  return shape.ndim <= 2;
}

const char* taps_at(const Problem& p, const Kernel& kernel) {
  if (kernel.taps) return reinterpret_cast<const char*>(kernel.taps);
  return p.h_type == DType::f32 ? mean_tap<float>(p) : mean_tap<double>(p);
}

index_t offset_of(const Kernel& kernel, index_t origin) {
  if (kernel.flip) origin = kernel.size % 2 == 1 ? -origin : -origin - 1;
  return -(kernel.size / 2) - origin;
}

void pose_pass(const Shape& shape, const View& x, const View& y, const Pass& pass, double fill, Problem& p) {
  const Kernel& kernel = pass.kernel;
  set_types(p, x, y, pass.border == Border::constant ? fill : 0);
  p.flip = kernel.flip;
  const Facts facts(kernel);
  set_sums(p, facts);
  p.h_type = kernel.taps ? DType::f64 : p.sum_type;
  if (kernel.taps) set_order(p, facts, order_of(kernel), may_be_small(shape));
  if (!kernel.taps) {
    p.divisor = mean_divisor(p, facts);
    set_order(p, facts, Summation::fast);
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

bool pose_wide_mean(const Shape& shape, const View& x, const View& y, const Pass& pass, double fill, FusedProblem& f) {
  if (pass.kernel.taps || pass.kernel.size < wide_box || may_be_small(shape)) return false;
  Problem& p = f.p;
  const int last = shape.ndim - 1;
  set_types(p, x, y, pass.border == Border::constant ? fill : 0);
  p.h_type = DType::f64;
  const Facts facts(pass.kernel);
  set_sums(p, facts);
  set_order(p, facts, Summation::fast);
  const Factor mean = factor_of(p, pass.kernel, facts);
  (pass.axis == last ? f.along_second : f.along_first) = mean;
  f.first = f.second = -1;
  for (int axis = 0; axis < shape.ndim; ++axis) {
    if (axis != pass.axis && axis != last) {
      add_batch(p, shape, x, y, axis);
      continue;
    }
    SpatialAxis a = spatial_axis(shape, x, y, axis, axis == pass.axis ? pass.kernel.size : 1);
    if (axis == pass.axis) {
      a.border = pass.border;
      a.offset = offset_of(pass.kernel, pass.origin);
    }
    (axis == last ? f.second : f.first) = p.spatial_count;
    p.spatial[p.spatial_count++] = a;
  }
  f.ordered = true;
  return true;
}

bool pose_passes(const Shape& shape, const View& x, const View& y, const Pass& first, const Pass& second, double fill,
                 FusedProblem& f) {
  Problem& p = f.p;
  const bool reads_fill = first.border == Border::constant || second.border == Border::constant;
  if (may_be_small(shape) || first.axis == second.axis || first.kernel.flip != second.kernel.flip) return false;
  set_types(p, x, y, reads_fill ? fill : 0);
  p.flip = first.kernel.flip;
  p.h_type = DType::f64;
  const Facts facts[2] = {Facts(first.kernel), Facts(second.kernel)};
  // Whole numbers need no narrowing between the passes: what it takes away are multiples of what the last one takes.
  const bool exact = is_exact(p, facts[1], 0x1p24, facts[0].magnitude) && facts[0].whole && first.kernel.taps &&
                     second.kernel.taps && is_small_integer(x.type);
  Problem next = p;
  next.x_type = as_bytes(y.type);
  set_sums(p, facts[0]);
  set_sums(next, facts[1]);
  set_order(p, facts[0], order_of(first.kernel));
  set_order(next, facts[1], order_of(second.kernel));
  if (next.sum_type == DType::f64 && !exact) p.sum_type = DType::f64;
  f.narrows = is_integer(p.y_type) && !exact;
  f.between = next.x_type;
  f.refills = reads_fill && fill != 0;
  f.ordered = f.refills || f.narrows;
  f.along_first = factor_of(p, first.kernel, facts[0]);
  f.along_second = factor_of(next, second.kernel, facts[1]);
  p.summation = Summation::fast;  // of each factor its own
  p.bound = 0;
  for (int axis = 0; axis < shape.ndim; ++axis) {
    const bool is_first = axis == first.axis;
    if (!is_first && axis != second.axis) {
      add_batch(p, shape, x, y, axis);
      continue;
    }
    const Pass& pass = is_first ? first : second;
    SpatialAxis a = spatial_axis(shape, x, y, axis, pass.kernel.size);
    a.border = pass.border;
    a.offset = offset_of(pass.kernel, pass.origin);
    (is_first ? f.first : f.second) = p.spatial_count;
    p.spatial[p.spatial_count++] = a;
  }
  return true;
}

bool pose_kernel(const Shape& shape, const View& x, const View& y, const NdKernel& kernel, const index_t* origins,
                 Border border, double fill, Problem& p) {
  set_types(p, x, y, border == Border::constant ? fill : 0);
  p.flip = kernel.flip;
  p.h_type = DType::f64;
  index_t taps = 1;
  for (int axis = 0; axis < shape.ndim; ++axis) taps *= kernel.shape[axis];
  const Facts facts({kernel.taps, taps, kernel.flip});
  set_sums(p, facts);
  const bool small = may_be_small(shape);
  const bool looks = small || taps > many_taps_of_a_list;
  const bool sees_nan = facts.has_zero && !is_integer(p.x_type) && !(looks && is_finite(shape, x));
  if (sees_nan) p.summation = Summation::in_order;
  set_order(p, facts, Summation::in_order, may_be_small(shape));
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
