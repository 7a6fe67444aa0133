// What a call asks for, and the Problem that it makes of its arrays.
#pragma once

#include "bindings/arguments.h"
#include "bindings/arrays.h"

namespace convcorr {

// A call's arguments but for its arrays: read and checked.
struct Request {
  Operation operation;
  Mode mode;
  Method method;
  std::optional<Lags> lags;
  std::optional<int> threads;
  ResultType type;
  Complex160 fill;
  int count;           // of convolved axes
  int axes[max_ndim];  // as the caller orders them, counted from the right: -1 is the last
  index_t stride[max_ndim], dilation[max_ndim];
  Border border[max_ndim];
};

// Runs the caller's code (an argument's __index__): read shapes and strides after it.
void read_request(Operation operation, const Arguments& a, PyArrayObject* x, PyArrayObject* h, Request& request);

// A Problem, and the shape of its result.
struct Posed {
  Problem problem;
  int ndim = 0;
  npy_intp shape[max_ndim];
  index_t* y_stride[max_ndim];  // in the Problem, of each axis of the result

  Posed() = default;
  Posed(const Posed&) = delete;
  Posed& operator=(const Posed&) = delete;

  bool is_empty() const;
  void set_output_strides(PyArrayObject* y);
  void set_output_strides();  // of a new result
};

// x and h are lined up from the right, as NumPy broadcasts; but the first `lead` axes of x stand before all of h's.
void pose(const Request& request, PyArrayObject* x, PyArrayObject* h, int lead, Posed& posed);

}  // namespace convcorr
