// numpy.convolve and numpy.correlate as NumPy computes them: 1-D, the longer operand is the data, modes by name or
// number.
//
// What is out of the ordinary (subclasses, other dtypes, odd modes, bad input) gets NotImplemented: NumPy itself
// answers.
#include <algorithm>

#include "bindings/arrays.h"
#include "bindings/call.h"
#include "bindings/register.h"
#include "bindings/short_call.h"

namespace convcorr {
namespace {

PyObject* words[3];  // NumPy's numbers for the modes: 0 valid, 1 same, 2 full

// NumPy's mode, or -1 for one that NumPy should judge.
int read_numpy_mode(PyObject* mode) {
  for (int i = 0; i < 3; ++i) {
    if (mode == words[i]) return i;
  }
  if (PyUnicode_CheckExact(mode)) {
    for (int i = 0; i < 3; ++i) {
      if (PyUnicode_Compare(mode, words[i]) == 0) return i;
    }
  }
  if (PyLong_CheckExact(mode)) {
    const long value = PyLong_AsLong(mode);
    if (value >= 0 && value <= 2) return static_cast<int>(value);
    PyErr_Clear();
  }
  return -1;
}

bool is_plain_operand(PyObject* o) {
  return PyArray_CheckExact(o) || PyList_CheckExact(o) || PyTuple_CheckExact(o) || PyFloat_CheckExact(o) ||
         PyLong_CheckExact(o) || PyComplex_CheckExact(o) || PyBool_Check(o) || PyArray_IsScalar(o, Generic);
}

// The operand as a 1-D array, or none where NumPy should answer.
Ref read_operand(PyObject* o, bool scalars) {
  DType t;
  if (PyArray_CheckExact(o)) {
    auto* array = reinterpret_cast<PyArrayObject*>(o);
    const bool row = PyArray_NDIM(array) == 1 && PyArray_DIM(array, 0) > 0 && known_dtype(PyArray_TYPE(array), t);
    if (row) return borrowed(o);
    if (PyArray_NDIM(array) != 0) return {};
  } else if (!is_plain_operand(o)) {
    return {};
  }
  Ref array(PyArray_FROM_O(o));
  if (!array) {
    PyErr_Clear();  // NumPy will raise it again
    return {};
  }
  if (PyArray_NDIM(array.array()) == 0 && scalars) {
    npy_intp one = 1;
    PyArray_Dims shape = {&one, 1};
    array = checked(PyArray_Newshape(array.array(), &shape, NPY_CORDER));
  }
  const bool row =
      PyArray_CheckExact(array.get()) && PyArray_NDIM(array.array()) == 1 && PyArray_DIM(array.array(), 0) > 0;
  return row && known_dtype(PyArray_TYPE(array.array()), t) ? std::move(array) : Ref();
}

PyObject* not_implemented() { return borrowed(Py_NotImplemented).release(); }

// The outputs of a correlation of n samples with k <= n: NumPy's `same` has n of them and starts at k/2 of the overlap.
struct Outputs {
  index_t before, count;
};
Outputs outputs_of_mode(int mode, index_t n, index_t k) {
  if (mode == 0) return {0, n - k + 1};
  if (mode == 1) return {k / 2, n};
  return {k - 1, n + k - 1};
}

PyObject* run(PyObject* a, PyObject* v, PyObject* mode_object, Operation operation) {
  const int mode = read_numpy_mode(mode_object);
  if (mode < 0) return not_implemented();
  const bool convolves = operation == Operation::convolve;
  Ref x = read_operand(a, convolves), h = read_operand(v, convolves);
  if (!x || !h) return not_implemented();
  const bool swapped = PyArray_DIM(h.array(), 0) > PyArray_DIM(x.array(), 0);
  if (swapped) std::swap(x, h);
  const index_t n = PyArray_DIM(x.array(), 0), k = PyArray_DIM(h.array(), 0);

  Problem p;
  const Outputs outputs = outputs_of_mode(mode, n, k);
  set_row(p, x.array(), h.array(), -outputs.before, outputs.count);
  const ResultType type = result_type(x.array(), h.array(), nullptr);
  p.y_type = type.y;
  p.sum_type = type.sum;
  p.flip = convolves;
  p.conjugate = !convolves && is_complex(type.sum);
  const npy_intp shape = outputs.count;
  Ref y = new_result(1, &shape, type.y);
  char* data = static_cast<char*>(PyArray_DATA(y.array()));
  p.spatial[0].y_stride = itemsize(type.y);
  // correlate(a, v)[n] = conj(correlate(v, a)[-n]): the shorter operand slides all the same, and the result is written
  // back to front.
  const bool reversed = swapped && !convolves;
  if (reversed) {
    data += (outputs.count - 1) * itemsize(type.y);
    p.spatial[0].y_stride = -itemsize(type.y);
  }
  validate(p);
  Plan plan;
  make_plan(p, Method::automatic, plan);
  compute(p, plan, {static_cast<char*>(PyArray_DATA(x.array())), static_cast<char*>(PyArray_DATA(h.array())), data},
          {});
  if (reversed && is_complex(type.y)) return checked(PyArray_Conjugate(y.array(), y.array())).release();
  return y.release();
}

template <Operation operation>
PyObject* entry(PyObject*, PyObject* const* args, Py_ssize_t count) {
  if (count != 3) {
    PyErr_SetString(PyExc_TypeError, "takes exactly (a, v, mode)");
    return nullptr;
  }
  return guarded([&] { return run(args[0], args[1], args[2], operation); });
}

PyMethodDef method(const char* name, PyObject* (*function)(PyObject*, PyObject* const*, Py_ssize_t)) {
  return {name, reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(function)), METH_FASTCALL, nullptr};
}

PyMethodDef methods[] = {method("numpy_convolve", entry<Operation::convolve>),
                         method("numpy_correlate", entry<Operation::correlate>),
                         {nullptr, nullptr, 0, nullptr}};

}  // namespace

void register_numpy(PyObject* module) {
  constexpr const char* texts[3] = {"valid", "same", "full"};
  for (int i = 0; i < 3; ++i) words[i] = checked(PyUnicode_InternFromString(texts[i])).release();
  if (PyModule_AddFunctions(module, methods) < 0) throw PythonError();
}

}  // namespace convcorr
