// What convcorr.plan keeps: a call's arguments and kernel, and the choices made for an x of one shape.
#pragma once

#include <memory>
#include <vector>

#include "bindings/call.h"

namespace convcorr {

// Never changed once it is made, so that threads may share it.
class Planned {
 public:
  explicit Planned(const Arguments& a);

  // y of x, which has the planned shape, or more axes in front.
  Ref run(PyObject* x, PyObject* out) const;

  void explain(Plan& plan, std::vector<Candidate>& record) const;

  const Request& request() const { return request_; }
  const FftBlocks& tile() const { return tile_; }  // that the caller asked for
  const Plan& plan() const { return plan_; }
  PyArrayObject* x() const { return x_.array(); }  // its shape and type; there is no memory
  PyArrayObject* h() const { return h_.array(); }
  int ndim() const { return posed_.ndim; }  // of the result
  const npy_intp* shape() const { return posed_.shape; }

 private:
  void choose();
  int leading_axes(PyArrayObject* x) const;
  void plan_for(const Problem& p, Plan& plan) const;
  [[noreturn]] void refuse_tile(const std::string& why) const;

  Ref x_, h_;
  Request request_;
  FftBlocks tile_;
  std::string tile_text_;
  Posed posed_;  // of x as NumPy lays out a new one, and of a new y
  Plan plan_;
  FftBlocks blocks_;  // of plan_
  std::unique_ptr<const Prepared> prepared_;
};

}  // namespace convcorr
