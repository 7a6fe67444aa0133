// Arguments of convolve and correlate: bound to names, then read and checked one by one.
#pragma once

#include <optional>

#include "bindings/python.h"
#include "plan/plan.h"

namespace convcorr {

constexpr int max_ndim = 64;  // NumPy's own limit

enum class Arg : int {
  x,
  h,
  mode,
  axes,
  boundary,
  fill_value,
  method,
  stride,
  dilation,
  lags,
  dtype,
  out,
  threads,
  op,
  x_shape,
  x_dtype,
  tile  // of explain and plan
};
constexpr int arg_count = 17;

// The arguments of one call; null where left out.
struct Arguments {
  const char* function;
  PyObject* of[arg_count] = {};

  PyObject* operator[](Arg a) const { return of[static_cast<int>(a)]; }
  bool given(Arg a) const { return (*this)[a] && (*this)[a] != Py_None; }
};

// Binds a METH_FASTCALL | METH_KEYWORDS call. `order` lists the positional order, `count` how many there are.
void bind(Arguments& arguments, const Arg* order, int count, PyObject* const* args, Py_ssize_t positional,
          PyObject* keywords);

// Whether an argument is left out, or is the very object that the public functions pass as its default.
bool is_default(const Arguments& a, Arg name);

// As bind(), of a call that gives all its arguments by position.
void bind_all(Arguments& arguments, const Arg* order, int count, PyObject* const* args, Py_ssize_t given);

enum class Operation : unsigned char { convolve, correlate };
enum class Mode : unsigned char { full, same, valid };

Operation read_operation(const Arguments& a);
Mode read_mode(const Arguments& a);
Method read_method(const Arguments& a);

// Axes in the common number of dimensions, checked and distinct; none where left out. Returns how many.
int read_axes(const Arguments& a, int ndim, int (&axes)[max_ndim]);

// One value for each of `count` axes, from one or from a tuple of them.
void read_borders(const Arguments& a, int count, Border* borders);
void read_steps(const Arguments& a, Arg name, int count, index_t* steps);  // stride, dilation: at least 1

struct Lags {
  index_t low, high;
};
std::optional<Lags> read_lags(const Arguments& a);

// The fill value, which the result must be able to hold.
Complex160 read_fill(const Arguments& a, DType result);

std::optional<int> read_threads(const Arguments& a);

int read_shape(const Arguments& a, npy_intp (&shape)[max_ndim]);  // x_shape; returns the number of axes
FftBlocks read_tile(const Arguments& a);                          // powers of two; none where left out

// The words that the readers take.
const char* word_of(Operation operation);
const char* word_of(Mode mode);
const char* word_of(Method method);  // of a border: bindings/values.h

void intern_argument_names();  // call once, at load

}  // namespace convcorr
