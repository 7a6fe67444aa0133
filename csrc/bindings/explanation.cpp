#include "bindings/explanation.h"

#include "bindings/call.h"

namespace convcorr {
namespace {

PyObject* candidate_tuple(const Candidate& c) {
  PyObject* tile = integers(c.axes, c.tile);
  return Py_BuildValue("(sNdnzNN)", algorithm_name(c.algorithm), tile, c.seconds * 1e6, c.scratch_bytes, c.refused,
                       PyBool_FromLong(c.chosen), PyBool_FromLong(c.by_parts));
}

}  // namespace

PyObject* explanation(const Plan& plan, const std::vector<Candidate>& record, std::optional<int> threads) {
  Ref candidates = checked(PyList_New(0));
  for (const Candidate& c : record) {
    const Ref tuple = checked(candidate_tuple(c));
    if (PyList_Append(candidates.get(), tuple.get()) < 0) throw PythonError();
  }
  return checked(Py_BuildValue("(sdiN)", algorithm_name(plan.algorithm), plan.seconds * 1e6,
                               run_of(plan.seconds, threads).threads, candidates.release()))
      .release();
}

}  // namespace convcorr
