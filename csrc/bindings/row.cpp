#include "bindings/row.h"

#include "bindings/arrays.h"
#include "execute/execute.h"
#include "plan/small.h"

namespace convcorr {
namespace {

// Contiguous, aligned, native, 1-D, of a floating type with kernels of its own.
bool is_plain_row(PyObject* object) {
  if (!PyArray_CheckExact(object)) return false;
  auto* a = reinterpret_cast<PyArrayObject*>(object);
  const int type = PyArray_TYPE(a);
  return PyArray_NDIM(a) == 1 && PyArray_DIM(a, 0) > 0 && PyArray_DIM(a, 0) <= small_elements &&
         (type == NPY_FLOAT || type == NPY_DOUBLE || type == NPY_CFLOAT || type == NPY_CDOUBLE) &&
         PyArray_IS_C_CONTIGUOUS(a) && PyArray_ISBEHAVED_RO(a);
}

bool only_mode_given(const Arguments& a) {
  for (Arg none : {Arg::axes, Arg::lags, Arg::dtype, Arg::out, Arg::threads}) {
    if (a.given(none)) return false;
  }
  return is_default(a, Arg::boundary) && is_default(a, Arg::fill_value) && is_default(a, Arg::method) &&
         is_default(a, Arg::stride) && is_default(a, Arg::dilation);
}

}  // namespace

void set_row(Problem& p, PyArrayObject* x, PyArrayObject* h, index_t offset, index_t out) {
  SpatialAxis a = plain_axis(PyArray_DIM(x, 0), PyArray_DIM(h, 0), out);
  a.offset = offset;
  a.x_stride = PyArray_STRIDE(x, 0);
  a.h_stride = PyArray_STRIDE(h, 0);
  p.spatial[0] = a;
  p.spatial_count = 1;
  p.x_type = dtype_of(x);
  p.h_type = dtype_of(h);
  p.x_swapped = is_swapped(x);
  p.h_swapped = is_swapped(h);
}

PyObject* short_row(Operation operation, const Arguments& a) {
  if (!is_plain_row(a[Arg::x]) || !is_plain_row(a[Arg::h]) || !only_mode_given(a)) return nullptr;
  auto* x = reinterpret_cast<PyArrayObject*>(a[Arg::x]);
  auto* h = reinterpret_cast<PyArrayObject*>(a[Arg::h]);
  if (PyArray_TYPE(x) != PyArray_TYPE(h)) return nullptr;
  const Mode mode = read_mode(a);
  const index_t n = PyArray_DIM(x, 0), k = PyArray_DIM(h, 0);
  if (mode == Mode::valid && k > n) return nullptr;
  const index_t offset = mode == Mode::full ? 1 - k : mode == Mode::same ? (k - 1) / 2 - (k - 1) : 0;
  const npy_intp out = mode == Mode::full ? n + k - 1 : mode == Mode::same ? n : n - k + 1;
  Problem p;
  set_row(p, x, h, offset, out);
  p.y_type = p.sum_type = p.x_type;
  p.flip = operation == Operation::convolve;
  p.conjugate = operation == Operation::correlate && is_complex(p.x_type);
  p.spatial[0].y_stride = itemsize(p.y_type);
  if (!is_small(p)) return nullptr;
  Ref y = checked(PyArray_SimpleNew(1, &out, PyArray_TYPE(x)));
  Plan plan;
  make_plan(p, Method::automatic, plan);
  execute(p, plan, {PyArray_BYTES(x), PyArray_BYTES(h), PyArray_BYTES(y.array())}, Run{});
  return y.release();
}

}  // namespace convcorr
