// Any Problem at all, from Python: the tests' way to roles and paddings that no front reaches yet.
//
// solve(x, h, out, spec, executor): spec is a dict with
//   spatial   list of dicts: x, h, out (axis numbers), stride, dilation, in_dilation, offset, border (0..4)
//   outer     list of (role, x axis, h axis, out axis), role in 0 batch, 1 group, 2 out_channel, 3 in_channel; -1: no
//   axis flip, conjugate, saturate (bools), fill (complex), sum (an array whose dtype sums are taken in); and, where
//   given, truncate (bool), summation (0..4), divisor,
// and bias (an array, one element of out's type for each group and out channel). executor is "direct", "im2col",
// "winograd", "winograd 2" or "winograd 4" (tiles of as many outputs), or "reference".
#include <algorithm>

#include "base/error.h"
#include "bindings/arrays.h"
#include "bindings/call.h"
#include "bindings/register.h"

namespace convcorr {
namespace {

PyObject* item(PyObject* dict, const char* key) {
  PyObject* value = PyDict_GetItemString(dict, key);
  if (!value) throw ValueError(std::string("spec has no ") + key);
  return value;
}

index_t integer(PyObject* object) {
  const index_t value = PyLong_AsSsize_t(object);
  if (value == -1 && PyErr_Occurred()) throw PythonError();
  return value;
}

PyArrayObject* array_of(PyObject* object) {
  if (!PyArray_Check(object)) throw TypeError("solve takes arrays");
  return reinterpret_cast<PyArrayObject*>(object);
}

index_t stride_of(PyArrayObject* a, index_t axis) { return axis < 0 ? 0 : PyArray_STRIDE(a, static_cast<int>(axis)); }
index_t size_of(PyArrayObject* a, index_t axis) { return axis < 0 ? 1 : PyArray_DIM(a, static_cast<int>(axis)); }

SpatialAxis read_spatial(PyObject* dict, PyArrayObject* x, PyArrayObject* h, PyArrayObject* y) {
  const index_t ax = integer(item(dict, "x")), ah = integer(item(dict, "h")), ay = integer(item(dict, "out"));
  SpatialAxis a = plain_axis(size_of(x, ax), size_of(h, ah), size_of(y, ay));
  a.stride = integer(item(dict, "stride"));
  a.dilation = integer(item(dict, "dilation"));
  a.in_dilation = integer(item(dict, "in_dilation"));
  a.offset = integer(item(dict, "offset"));
  a.border = static_cast<Border>(integer(item(dict, "border")));
  a.x_stride = stride_of(x, ax);
  a.h_stride = stride_of(h, ah);
  a.y_stride = stride_of(y, ay);
  return a;
}

OuterAxis read_outer(PyObject* tuple, PyArrayObject* x, PyArrayObject* h, PyArrayObject* y) {
  index_t v[4];
  for (int i = 0; i < 4; ++i) v[i] = integer(PyTuple_GetItem(tuple, i));
  const index_t n = std::max({size_of(x, v[1]), size_of(h, v[2]), size_of(y, v[3])});
  return {static_cast<Role>(v[0]), n, stride_of(x, v[1]), stride_of(h, v[2]), stride_of(y, v[3])};
}

void read_types(Problem& p, PyObject* spec, PyArrayObject* x, PyArrayObject* h, PyArrayObject* y) {
  p.x_type = dtype_of(x);
  p.h_type = dtype_of(h);
  p.y_type = dtype_of(y);
  p.x_swapped = is_swapped(x);
  p.h_swapped = is_swapped(h);
  p.sum_type = dtype_of(array_of(item(spec, "sum")));
  if (p.sum_type == DType::f16) p.sum_type = DType::f32;
  p.flip = PyObject_IsTrue(item(spec, "flip")) == 1;
  p.conjugate = PyObject_IsTrue(item(spec, "conjugate")) == 1;
  p.narrowing = PyObject_IsTrue(item(spec, "saturate")) == 1 ? Narrowing::saturate : Narrowing::wrap;
  if (PyDict_GetItemString(spec, "truncate")) p.narrowing = Narrowing::truncate;
  if (PyObject* order = PyDict_GetItemString(spec, "summation")) p.summation = static_cast<Summation>(integer(order));
  if (PyObject* divisor = PyDict_GetItemString(spec, "divisor")) p.divisor = PyFloat_AsDouble(divisor);
  const Py_complex fill = PyComplex_AsCComplex(item(spec, "fill"));
  p.fill = {fill.real, fill.imag};
}

// The plan of an executor's name.
void plan_by(const Problem& p, PyObject* executor, Plan& plan) {
  const auto is = [executor](const char* name) { return PyUnicode_CompareWithASCIIString(executor, name) == 0; };
  if (is("reference")) return make_plan(p, Method::reference, plan);
  const bool small = is("winograd 2"), large = is("winograd 4");
  const Method method = is("im2col")                       ? Method::im2col
                        : is("winograd") || small || large ? Method::winograd
                                                           : Method::direct;
  const char* why = method == Method::direct   ? refuse_direct(p)
                    : method == Method::im2col ? refuse_gemm(p)
                                               : refuse_winograd(p);
  if (why) throw ValueError(why);
  make_plan(p, method, plan);
  if (!small && !large) return;
  make_winograd_plan(p, plan.winograd, small ? 2 : 4);
  plan.seconds = plan.winograd.seconds;
}

PyObject* solve(PyObject*, PyObject* const* args, Py_ssize_t count) {
  return guarded([&]() -> PyObject* {
    if (count != 5) throw TypeError("solve takes (x, h, out, spec, executor)");
    PyArrayObject *x = array_of(args[0]), *h = array_of(args[1]), *y = array_of(args[2]);
    PyObject* spec = args[3];
    Problem p;
    read_types(p, spec, x, h, y);
    PyObject *spatial = item(spec, "spatial"), *outer = item(spec, "outer");
    for (Py_ssize_t i = 0; i < PyList_Size(spatial) && i < max_spatial; ++i) {
      p.spatial[p.spatial_count++] = read_spatial(PyList_GetItem(spatial, i), x, h, y);
    }
    for (Py_ssize_t i = 0; i < PyList_Size(outer) && i < max_outer; ++i) {
      p.outer[p.outer_count++] = read_outer(PyList_GetItem(outer, i), x, h, y);
    }
    validate(p);
    Plan plan;
    plan_by(p, args[4], plan);
    PyObject* bias = PyDict_GetItemString(spec, "bias");
    compute(p, plan,
            {PyArray_BYTES(x), PyArray_BYTES(h), PyArray_BYTES(y), bias ? PyArray_BYTES(array_of(bias)) : nullptr}, {});
    return borrowed(args[2]).release();
  });
}

// force_tile(lengths or None): this thread's FFT blocks, for tests and benches.
PyObject* force_tile(PyObject*, PyObject* lengths) {
  return guarded([&]() -> PyObject* {
    FftBlocks blocks;
    if (lengths != Py_None) {
      const Ref tuple = checked(PySequence_Tuple(lengths));
      const Py_ssize_t count = PyTuple_GET_SIZE(tuple.get());
      if (count < 1 || count > max_fft_axes) throw ValueError("force_tile takes 1 to 4 lengths");
      for (Py_ssize_t i = 0; i < count; ++i) blocks.of[blocks.axes++] = integer(PyTuple_GET_ITEM(tuple.get(), i));
    }
    forced_fft_blocks() = blocks;
    return Py_NewRef(Py_None);
  });
}

PyMethodDef methods[] = {
    {"force_tile", force_tile, METH_O, nullptr},
    {"solve", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(solve)), METH_FASTCALL, nullptr},
    {nullptr, nullptr, 0, nullptr}};

}  // namespace

void register_problem(PyObject* module) {
  if (PyModule_AddFunctions(module, methods) < 0) throw PythonError();
}

}  // namespace convcorr
