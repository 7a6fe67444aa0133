// A call of convolve or correlate, from Python objects to the result.
#pragma once

#include "bindings/request.h"
#include "execute/prepared.h"

namespace convcorr {

// convert, validate, release the GIL, compute. Returns the result, or `out`.
Ref call(Operation operation, const Arguments& arguments, bool by_reference);

// A new array for the result; or `out`, once it is known to fit.
Ref result_array(PyObject* out, int ndim, const npy_intp* shape, DType type);

// Inputs that share memory with the result are copied: no input is ever changed, and none is read after it was written.
// True where that was done.
bool keep_apart(PyArrayObject* y, Ref& input);

// How work of this length runs. No interrupt is asked for.
Run run_of(double seconds, std::optional<int> threads);

// go(Run), without the GIL where it is predicted to take longer than giving it away.
template <class Go>
void compute(double seconds, std::optional<int> threads, const Go& go) {
  constexpr double worth_releasing = 5e-6;  // giving the GIL away and back costs 40 ns, and up to 5 ms to get it
  Run run = run_of(seconds, threads);
  if (seconds < worth_releasing) return go(run);
  const bool polls = on_main_thread();
  ReleasedGil released;  // from here on only memory that the caller's references keep alive is touched
  if (polls) run.interrupt = released.interrupt();
  go(run);
}

// Computes p over the arrays; with what is prepared of the kernel at arrays.h, if anything is.
void compute(const Problem& p, const Plan& plan, const Arrays& arrays, std::optional<int> threads,
             const Prepared* prepared = nullptr);

}  // namespace convcorr
