// A layer from Python objects to its result, once or many times with the same weights.
#pragma once

#include <memory>
#include <vector>

#include "bindings/call.h"
#include "bindings/layer_request.h"

namespace convcorr {

// A layer with its arrays: read, checked, and posed.
struct LayerCall {
  LayerRequest request;
  ResultType type;
  Ref data, kernel, bias;  // bias: contiguous and of the result's type, or none
  LayerShapes shapes;
  Problem problem;
  index_t y_offset = 0;

  explicit LayerCall(const LayerArguments& a);
  // For x of the shape `a.data` and of this type, which has no memory.
  LayerCall(const LayerArguments& a, PyObject* x_dtype);

  int ndim() const;  // of the result
  const npy_intp* shape() const;
  bool is_empty() const { return shapes.wide.batch == 0; }

  void pose(PyArrayObject* y);
  Arrays arrays(PyArrayObject* y) const;

 private:
  void read(const LayerArguments& a);
};

Ref run_layer(const LayerArguments& a);
// Returns what explanation() does.
PyObject* explain_layer(const LayerArguments& a);

// A layer whose weights and choices are kept. Never changed once it is made, so that threads may share it.
class PlannedLayer {
 public:
  PlannedLayer(const LayerArguments& a, PyObject* x_dtype);

  // The result for x, which has the planned shape, or another batch.
  Ref run(PyObject* x, PyObject* out) const;
  PyObject* explain() const;

  const LayerCall& call() const { return call_; }
  const Plan& plan() const { return plan_; }

 private:
  Ref run_anew(PyArrayObject* x, Ref y) const;
  void compute(const Problem& p, const Plan& plan, const Arrays& arrays, const Prepared* prepared) const;

  LayerCall call_;  // of x as NumPy lays out a new one, and of a new y
  Plan plan_;
  std::unique_ptr<const Prepared> prepared_;
};

}  // namespace convcorr
