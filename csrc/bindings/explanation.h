// How a call is computed, as a tuple for Python.
#pragma once

#include <optional>
#include <vector>

#include "bindings/python.h"
#include "plan/plan.h"

namespace convcorr {

// A tuple of `count` new references.
template <class Item>
PyObject* tuple_of(Py_ssize_t count, Item item) {
  Ref tuple = checked(PyTuple_New(count));
  for (Py_ssize_t i = 0; i < count; ++i) PyTuple_SET_ITEM(tuple.get(), i, checked(item(i)).release());
  return tuple.release();
}

inline PyObject* integers(Py_ssize_t count, const index_t* of) {
  return tuple_of(count, [of](Py_ssize_t i) { return PyLong_FromSsize_t(of[i]); });
}

// (algorithm, predicted us, threads, [(algorithm, tile, predicted us, scratch, refused, chosen, by parts), ...])
PyObject* explanation(const Plan& plan, const std::vector<Candidate>& record, std::optional<int> threads);

}  // namespace convcorr
