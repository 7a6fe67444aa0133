#include "bindings/short_call.h"

#include "bindings/arrays.h"
#include "execute/execute.h"
#include "plan/small.h"

namespace convcorr {
namespace {

// Contiguous, aligned, native, of one axis or two and of a floating type with kernels of its own.
bool is_plain(PyObject* object) {
  if (!PyArray_CheckExact(object)) return false;
  auto* a = reinterpret_cast<PyArrayObject*>(object);
  const int type = PyArray_TYPE(a), ndim = PyArray_NDIM(a);
  const bool has_kernel = type == NPY_FLOAT || type == NPY_DOUBLE || type == NPY_CFLOAT || type == NPY_CDOUBLE;
  if (!has_kernel || ndim < 1 || ndim > 2 || !PyArray_IS_C_CONTIGUOUS(a) || !PyArray_ISBEHAVED_RO(a)) return false;
  return PyArray_DIM(a, 0) > 0 && PyArray_DIM(a, 0) <= small_padded_bytes && PyArray_DIM(a, ndim - 1) > 0 &&
         PyArray_DIM(a, ndim - 1) <= small_padded_bytes;
}

bool only_mode_given(const Arguments& a) {
  for (Arg none : {Arg::axes, Arg::lags, Arg::dtype, Arg::out, Arg::threads}) {
    if (a.given(none)) return false;
  }
  return is_default(a, Arg::boundary) && is_default(a, Arg::fill_value) && is_default(a, Arg::method) &&
         is_default(a, Arg::stride) && is_default(a, Arg::dilation);
}

// Places the outputs of one axis; none in `valid` where h doesn't fit. (Writes where the axis is to stand: a copy right
// after its fields were written would wait for them.)
void place(index_t n, index_t k, Mode mode, SpatialAxis& a) {
  a.in = n;
  a.kernel = k;
  a.out = mode == Mode::full ? n + k - 1 : mode == Mode::same ? n : n - k + 1;
  a.stride = a.dilation = a.in_dilation = 1;
  a.offset = mode == Mode::full ? 1 - k : mode == Mode::same ? (k - 1) / 2 - (k - 1) : 0;
  a.border = Border::constant;
}

void set_types(Problem& p, PyArrayObject* x, PyArrayObject* h) {
  p.x_type = dtype_of(x);
  p.h_type = dtype_of(h);
  p.x_swapped = is_swapped(x);
  p.h_swapped = is_swapped(h);
}

}  // namespace

void set_row(Problem& p, PyArrayObject* x, PyArrayObject* h, index_t offset, index_t out) {
  SpatialAxis a = plain_axis(PyArray_DIM(x, 0), PyArray_DIM(h, 0), out);
  a.offset = offset;
  a.x_stride = PyArray_STRIDE(x, 0);
  a.h_stride = PyArray_STRIDE(h, 0);
  p.spatial[0] = a;
  p.spatial_count = 1;
  set_types(p, x, h);
}

PyObject* short_call(Operation operation, const Arguments& a) {
  if (!is_plain(a[Arg::x]) || !is_plain(a[Arg::h]) || !only_mode_given(a)) return nullptr;
  auto* x = reinterpret_cast<PyArrayObject*>(a[Arg::x]);
  auto* h = reinterpret_cast<PyArrayObject*>(a[Arg::h]);
  if (PyArray_TYPE(x) != PyArray_TYPE(h) || PyArray_NDIM(x) != PyArray_NDIM(h)) return nullptr;
  if (PyArray_NBYTES(x) > small_padded_bytes || PyArray_NBYTES(h) > small_taps_bytes) return nullptr;
  const Mode mode = read_mode(a);
  Problem p;
  set_types(p, x, h);
  p.y_type = p.sum_type = p.x_type;
  p.flip = operation == Operation::convolve;
  p.conjugate = operation == Operation::correlate && is_complex(p.x_type);
  p.spatial_count = PyArray_NDIM(x);
  npy_intp shape[2];
  index_t stride = itemsize(p.y_type);
  for (int i = p.spatial_count - 1; i >= 0; --i) {
    SpatialAxis& axis = p.spatial[i];
    place(PyArray_DIM(x, i), PyArray_DIM(h, i), mode, axis);
    if (axis.out < 1) return nullptr;
    axis.x_stride = PyArray_STRIDE(x, i);
    axis.h_stride = PyArray_STRIDE(h, i);
    axis.y_stride = stride;
    stride *= axis.out;
    shape[i] = axis.out;
  }
  // NumPy leaves the stride of an axis of one element open.
  p.spatial[p.spatial_count - 1].x_stride = itemsize(p.x_type);
  Plan plan;
  make_plan(p, Method::automatic, plan);
  if (plan.algorithm != Algorithm::small) return nullptr;
  Ref y = checked(PyArray_SimpleNew(p.spatial_count, shape, PyArray_TYPE(x)));
  execute(p, plan, {PyArray_BYTES(x), PyArray_BYTES(h), PyArray_BYTES(y.array())}, Run{});
  return y.release();
}

}  // namespace convcorr
