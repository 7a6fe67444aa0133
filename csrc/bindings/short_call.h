// The short way from Python objects to a Problem, for calls where the way is most of the time.
#pragma once

#include "bindings/arguments.h"
#include "bindings/call.h"

namespace convcorr {

// Sets p to one spatial axis of `out` outputs, the first with tap 0 at x[offset]. x and h are 1-D.
void set_row(Problem& p, PyArrayObject* x, PyArrayObject* h, index_t offset, index_t out);

// convolve or correlate of short contiguous rows or small images with nothing but a mode given; null where the call is
// any other, which the general way then takes. Refuses nothing itself.
PyObject* short_call(Operation operation, const Arguments& a);

}  // namespace convcorr
