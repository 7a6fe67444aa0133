#include "bindings/request.h"

#include <algorithm>

#include "base/checked.h"
#include "base/error.h"

namespace convcorr {
namespace {

constexpr index_t farthest_lag = index_t(1) << 62;

// One operand on the common axes: its first `front` axes are theirs too, the others are lined up from the right.
struct Operand {
  PyArrayObject* array;
  int front, ndim;

  int own_axis(int axis) const {  // below 0: the operand repeats along it
    if (axis < front) return axis;
    const int own = axis - ndim + PyArray_NDIM(array);
    return own < front ? -1 : own;
  }
  index_t size(int axis) const {
    const int own = own_axis(axis);
    return own < 0 ? 1 : PyArray_DIM(array, own);
  }
  index_t stride(int axis) const {
    const int own = own_axis(axis);
    return own < 0 || PyArray_DIM(array, own) == 1 ? 0 : PyArray_STRIDE(array, own);
  }
};

struct Common {
  Operand x, h;
};

int common_ndim(const Arguments& a, int nx, int nh) {
  if (!a.given(Arg::axes) && nx != nh) {
    throw ValueError("x has " + std::to_string(nx) + " axes and h has " + std::to_string(nh) +
                     "; without axes, both need the same number");
  }
  if (std::max(nx, nh) > max_ndim) throw ValueError("x or h has more than 64 axes");
  return std::max(nx, nh);
}

void read_sliding(const Arguments& a, int ndim, Request& r) {
  if (a.given(Arg::axes)) {
    r.count = read_axes(a, ndim, r.axes);
  } else {
    r.count = ndim;
    for (int i = 0; i < ndim; ++i) r.axes[i] = i;
  }
  for (int i = 0; i < r.count; ++i) r.axes[i] -= ndim;
  read_borders(a, r.count, r.border);
  read_steps(a, Arg::stride, r.count, r.stride);
  read_steps(a, Arg::dilation, r.count, r.dilation);
}

std::string on_axis(int axis) { return " on axis " + std::to_string(axis); }

// Length and offset of one axis's outputs.
void place_outputs(SpatialAxis& a, Mode mode, const std::optional<Lags>& lags, int axis) {
  if (a.kernel == 1) a.dilation = 1;  // no second tap to be far from
  constexpr const char* reach = "the reach of h with this dilation";
  const index_t extent = checked_add(checked_mul(a.kernel - 1, a.dilation, reach), 1, reach);
  index_t length = 0;
  if (lags) {
    a.offset = lags->low;
    if (lags->low < -farthest_lag || lags->high > farthest_lag) throw MemoryError("lags reach too far");
    constexpr const char* count = "the number of lags";
    length = checked_add(checked_add(lags->high, -lags->low, count), 1, count);
  } else if (mode == Mode::full) {
    a.offset = 1 - extent;
    length = checked_add(a.in, extent - 1, "the length of the full result");
  } else if (mode == Mode::same) {
    a.offset = 1 - extent + (extent - 1) / 2;
    length = a.in;
  } else {
    a.offset = 0;
    length = a.in - extent + 1;
    if (length < 1) {
      throw ValueError("h, with " + std::to_string(extent) + " samples" + on_axis(axis) + ", is larger than x, with " +
                       std::to_string(a.in) + "; mode 'valid' takes an h that fits into x");
    }
  }
  a.out = ceil_div(length, a.stride);
}

// The i-th convolved axis. Returns its length in the result.
index_t add_spatial(Posed& posed, const Common& c, const Request& r, int i, int axis) {
  SpatialAxis a = plain_axis(c.x.size(axis), c.h.size(axis), 0);
  if (a.in == 0 || a.kernel == 0) {
    throw ValueError(std::string(a.in == 0 ? "x" : "h") + " is empty" + on_axis(axis) +
                     "; it takes at least one sample there");
  }
  a.stride = r.stride[i];
  a.dilation = r.dilation[i];
  a.border = r.border[i];
  a.x_stride = c.x.stride(axis);
  a.h_stride = c.h.stride(axis);
  place_outputs(a, r.mode, r.lags, axis);
  Problem& p = posed.problem;
  if (p.spatial_count == max_spatial) throw ValueError("axes names more than 16 axes");
  p.spatial[p.spatial_count] = a;
  posed.y_stride[axis] = &p.spatial[p.spatial_count++].y_stride;
  return a.out;
}

// An axis that is not convolved. Returns its length in the result.
index_t add_outer(Posed& posed, const Common& c, int axis) {
  const index_t nx = c.x.size(axis), nh = c.h.size(axis);
  if (nx != nh && nx != 1 && nh != 1) {
    throw ValueError("x has " + std::to_string(nx) + " and h has " + std::to_string(nh) + " elements" + on_axis(axis) +
                     ", which axes does not name; there they need to be equal, or one of them 1");
  }
  const index_t n = nx == 1 ? nh : nx;
  const Role role = nh == 1 ? Role::batch : nx == 1 ? Role::out_channel : Role::group;
  Problem& p = posed.problem;
  p.outer[p.outer_count] = {role, n, c.x.stride(axis), c.h.stride(axis), 0};
  posed.y_stride[axis] = &p.outer[p.outer_count++].y_stride;
  return n;
}

}  // namespace

void read_request(Operation operation, const Arguments& a, PyArrayObject* x, PyArrayObject* h, Request& r) {
  r.operation = operation;
  r.mode = read_mode(a);
  r.method = read_method(a);
  read_sliding(a, common_ndim(a, PyArray_NDIM(x), PyArray_NDIM(h)), r);
  r.lags = read_lags(a);
  if (r.lags && (r.count != 1 || r.mode != Mode::full)) {
    throw ValueError(
        "lags is given with mode other than 'full' or more than one convolved axis; it takes exactly one axis, "
        "and no mode");
  }
  if (r.lags && operation == Operation::convolve) {
    throw ValueError("lags is given with op 'convolve'; it takes op 'correlate'");
  }
  r.threads = read_threads(a);
  r.type = result_type(x, h, a[Arg::dtype]);
  r.fill = read_fill(a, r.type.y);
}

bool Posed::is_empty() const { return std::find(shape, shape + ndim, 0) != shape + ndim; }

void Posed::set_output_strides(PyArrayObject* y) {
  for (int axis = 0; axis < ndim; ++axis) *y_stride[axis] = PyArray_STRIDE(y, axis);
}

void Posed::set_output_strides() {
  index_t stride = itemsize(problem.y_type);
  for (int axis = ndim - 1; axis >= 0; --axis) {
    *y_stride[axis] = stride;
    stride = checked_mul(stride, shape[axis], "the size of the result");
  }
}

void pose(const Request& r, PyArrayObject* x, PyArrayObject* h, int lead, Posed& posed) {
  const int ndim = lead + std::max(PyArray_NDIM(x) - lead, PyArray_NDIM(h));
  if (ndim > max_ndim) throw ValueError("x has more than 64 axes, counted with those of h");
  const Common c = {{x, lead, ndim}, {h, 0, ndim}};
  posed.ndim = ndim;
  Problem& p = posed.problem;
  p.spatial_count = p.outer_count = 0;
  for (int axis = 0; axis < ndim; ++axis) {
    int i = 0;
    while (i < r.count && r.axes[i] != axis - ndim) ++i;
    posed.shape[axis] = i < r.count ? add_spatial(posed, c, r, i, axis) : add_outer(posed, c, axis);
  }
  p.fill = r.fill;
  p.x_type = dtype_of(x);
  p.h_type = dtype_of(h);
  p.x_swapped = is_swapped(x);
  p.h_swapped = is_swapped(h);
  p.y_type = r.type.y;
  p.sum_type = r.type.sum;
  p.flip = r.operation == Operation::convolve;
  p.conjugate = r.operation == Operation::correlate && is_complex(r.type.sum);
}

}  // namespace convcorr
