// NumPy arrays as the engine sees them.
#pragma once

#include "bindings/python.h"
#include "problem/problem.h"

namespace convcorr {

// An input as a plain ndarray of a dtype that we compute; throws TypeError or ValueError naming `name`.
Ref as_input(PyObject* object, const char* name);

bool known_dtype(int type_number, DType& out);
DType dtype_of(PyArrayObject* array);
int type_number(DType t);

inline bool is_swapped(PyArrayObject* array) { return PyArray_ISBYTESWAPPED(array); }

std::string dtype_text(PyArray_Descr* descr);
std::string shape_text(int ndim, const npy_intp* shape);

// The dtype that an argument called `name` asks for, in native byte order.
Ref read_dtype(PyObject* dtype, const char* name);

// An array of this shape for plans to be made for: its memory is nowhere, and nobody reads it.
Ref stand_in(int ndim, const npy_intp* shape, DType type, const char* name);

// What the result is, and what its sums are taken in.
struct ResultType {
  DType y, sum;
};
ResultType result_type(PyArrayObject* x, PyArrayObject* h, PyObject* dtype, const char* operands = "x with h");

// A new result; MemoryError where it can't be had, before anything is allocated.
Ref new_result(int ndim, const npy_intp* shape, DType type);

// Checks that `out` can take the result.
void check_out(PyObject* out, int ndim, const npy_intp* shape, DType type);

bool overlap(PyArrayObject* a, PyArrayObject* b);  // whether the memory they span meets

}  // namespace convcorr
