#include "bindings/call.h"

#include "execute/execute.h"
#include "execute/threads.h"

namespace convcorr {

Ref result_array(PyObject* out, int ndim, const npy_intp* shape, DType type) {
  if (!out) return new_result(ndim, shape, type);
  check_out(out, ndim, shape, type);
  return borrowed(out);
}

bool keep_apart(PyArrayObject* y, Ref& input) {
  if (!overlap(y, input.array())) return false;
  input = checked(reinterpret_cast<PyObject*>(PyArray_NewCopy(input.array(), NPY_KEEPORDER)));
  return true;
}

Run run_of(double seconds, std::optional<int> threads) {
  Run run;
  if (seconds >= least_parallel_seconds) {
    run.explicit_threads = threads.has_value();
    run.threads = threads ? grant_threads(*threads) : get_num_threads();
  }
  return run;
}

void compute(const Problem& p, const Plan& plan, const Arrays& arrays, std::optional<int> threads,
             const Prepared* prepared) {
  compute(plan.seconds, threads,
          [&](const Run& run) { prepared ? prepared->execute(p, plan, arrays, run) : execute(p, plan, arrays, run); });
}

Ref call(Operation operation, const Arguments& a, bool by_reference) {
  Ref x = as_input(a[Arg::x], "x"), h = as_input(a[Arg::h], "h");
  Request request;
  read_request(operation, a, x.array(), h.array(), request);
  Posed posed;
  pose(request, x.array(), h.array(), 0, posed);
  PyObject* out = a.given(Arg::out) ? a[Arg::out] : nullptr;
  Ref y = result_array(out, posed.ndim, posed.shape, request.type.y);
  if (posed.is_empty()) return y;
  if (out) {
    const bool new_x = keep_apart(y.array(), x), new_h = keep_apart(y.array(), h);
    if (new_x || new_h) pose(request, x.array(), h.array(), 0, posed);  // copies may have other strides
  }
  posed.set_output_strides(y.array());
  validate(posed.problem);
  Plan plan;
  make_plan(posed.problem, by_reference ? Method::reference : request.method, plan);
  compute(posed.problem, plan, {PyArray_BYTES(x.array()), PyArray_BYTES(h.array()), PyArray_BYTES(y.array())},
          request.threads);
  return y;
}

}  // namespace convcorr
