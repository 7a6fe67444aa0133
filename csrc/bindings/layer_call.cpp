#include "bindings/layer_call.h"

#include <algorithm>

#include "base/checked.h"
#include "base/error.h"
#include "bindings/explanation.h"
#include "execute/bias.h"
#include "execute/execute.h"

namespace convcorr {
namespace {

// A bias as a contiguous row of `type`, one element for each channel.
Ref row_of(const Ref& bias, DType type, index_t channels) {
  PyArrayObject* array = bias.array();
  if (PyArray_NDIM(array) != 1 || PyArray_DIM(array, 0) != channels) {
    throw ValueError("bias has shape " + shape_text(PyArray_NDIM(array), PyArray_DIMS(array)) + "; it takes (" +
                     std::to_string(channels) + ",), one for each channel of the result");
  }
  PyArray_Descr* descr = PyArray_DescrFromType(type_number(type));
  const bool integers = is_integer(dtype_of(array)) && is_integer(type);
  if (!integers && !PyArray_CanCastTypeTo(PyArray_DESCR(array), descr, NPY_SAME_KIND_CASTING)) {
    const std::string text = dtype_text(descr);
    Py_DECREF(descr);
    throw TypeError("bias has dtype " + dtype_text(PyArray_DESCR(array)) + ", and the result " + text +
                    "; it takes one of the same kind");
  }
  constexpr int flags = NPY_ARRAY_CARRAY_RO | NPY_ARRAY_NOTSWAPPED | NPY_ARRAY_FORCECAST;
  return checked(PyArray_FromAny(bias.get(), descr, 1, 1, flags, nullptr));
}

Images images_of(const Layer& layer, const char* name, PyArrayObject* array) {
  return images_of(layer, name, PyArray_NDIM(array), PyArray_DIMS(array));
}

// The shape of what is computed is needed of gradients alone.
LayerShapes shapes_of(Layer& layer, PyArrayObject* data, PyArrayObject* kernel, int ndim, const npy_intp* shape) {
  LayerShapes s;
  if (layer.operation == LayerOperation::grad_weight) {
    s.w = weights_of(layer, "w_shape", ndim, shape);
    s.wide = images_of(layer, "x", data);
    s.narrow = images_of(layer, "grad_out", kernel);
    check_layer(layer, s);
    return s;
  }
  s.w = weights_of(layer, "w", PyArray_NDIM(kernel), PyArray_DIMS(kernel));
  switch (layer.operation) {
    case LayerOperation::conv:
      s.wide = images_of(layer, "x", data);
      s.narrow = narrow_images(layer, s.wide, s.w);
      break;
    case LayerOperation::conv_transpose:
      s.narrow = images_of(layer, "x", data);
      s.wide = wide_images(layer, s.narrow, s.w);
      break;
    default:
      s.wide = images_of(layer, "x_shape", ndim, shape);
      s.narrow = images_of(layer, "grad_out", data);
      check_layer(layer, s);
  }
  return s;
}

// The Problem that computes y of arrays of these shapes.
void pose_arrays(const Layer& layer, const ResultType& type, LayerShapes shapes, PyArrayObject* data,
                 PyArrayObject* kernel, PyArrayObject* y, Problem& p, index_t& y_offset) {
  const bool to_weights = layer.operation == LayerOperation::grad_weight;
  const bool from_wide = to_weights || layer.operation == LayerOperation::conv;
  (from_wide ? shapes.wide : shapes.narrow).stride_as(layer, data);
  (from_wide ? shapes.narrow : shapes.wide).stride_as(layer, to_weights ? kernel : y);
  shapes.w.stride_as(layer, to_weights ? y : kernel);
  pose_layer(layer, shapes, p, y_offset);
  p.x_type = dtype_of(data);
  p.h_type = dtype_of(kernel);
  p.x_swapped = is_swapped(data);
  p.h_swapped = is_swapped(kernel);
  p.y_type = type.y;
  p.sum_type = type.sum;
  validate(p);
}

// An array as the result would be, without memory.
Ref stand_in_result(const LayerCall& call) {
  index_t bytes = itemsize(call.type.y);
  for (int axis = 0; axis < call.ndim(); ++axis) {
    bytes = checked_mul(bytes, call.shape()[axis], "the size of the result");
  }
  return stand_in(call.ndim(), call.shape(), call.type.y, "the result");
}

}  // namespace

LayerCall::LayerCall(const LayerArguments& a)
    : request(read_layer(a)),
      data(as_input(a.data, data_name(request.layer))),
      kernel(as_input(a.kernel, kernel_name(request.layer))) {
  read(a);
}

LayerCall::LayerCall(const LayerArguments& a, PyObject* x_dtype)
    : request(read_layer(a)), kernel(as_input(a.kernel, kernel_name(request.layer))) {
  kernel = checked(reinterpret_cast<PyObject*>(PyArray_NewCopy(kernel.array(), NPY_CORDER)));
  PyArray_CLEARFLAGS(kernel.array(), NPY_ARRAY_WRITEABLE);
  npy_intp dims[max_layer_ndim];
  const int ndim = read_shape("x_shape", a.data, dims);
  if (std::find(dims, dims + ndim, 0) != dims + ndim) {
    throw ValueError("x_shape is " + repr(a.data) + "; a plan takes at least one sample, channel and image");
  }
  DType x_type = dtype_of(kernel.array());
  if (x_dtype != Py_None) {
    const Ref descr = read_dtype(x_dtype, "x_dtype");
    known_dtype(reinterpret_cast<PyArray_Descr*>(descr.get())->type_num, x_type);
  }
  data = stand_in(ndim, dims, x_type, "x_shape");
  read(a);
}

void LayerCall::read(const LayerArguments& a) {
  Layer& layer = request.layer;
  const bool has_w = layer.operation != LayerOperation::grad_weight;
  npy_intp dims[max_layer_ndim];
  const int result_ndim = a.shape == Py_None ? 0 : read_shape(has_w ? "x_shape" : "w_shape", a.shape, dims);
  if (a.bias != Py_None) bias = as_input(a.bias, "bias");
  type = result_type(data.array(), kernel.array(), a.dtype, has_w ? "x with w" : "x with grad_out");
  if (type.y == DType::boolean) {
    throw TypeError("x and w are bool, and so would be the sums; pass dtype=int to count, or arrays of numbers");
  }
  // No code of the caller's runs from here on, which might change a shape.
  shapes = shapes_of(layer, data.array(), kernel.array(), result_ndim, dims);
  const bool to_narrow = layer.operation == LayerOperation::conv;
  if (bias) bias = row_of(bias, type.y, (to_narrow ? shapes.narrow : shapes.wide).channels);
}

int LayerCall::ndim() const {
  return request.layer.operation == LayerOperation::grad_weight ? request.layer.axes + 2 : shapes.wide.ndim;
}

const npy_intp* LayerCall::shape() const {
  switch (request.layer.operation) {
    case LayerOperation::conv:
      return shapes.narrow.shape;
    case LayerOperation::grad_weight:
      return shapes.w.shape;
    default:
      return shapes.wide.shape;
  }
}

void LayerCall::pose(PyArrayObject* y) {
  pose_arrays(request.layer, type, shapes, data.array(), kernel.array(), y, problem, y_offset);
}

Arrays LayerCall::arrays(PyArrayObject* y) const {
  return {PyArray_BYTES(data.array()), PyArray_BYTES(kernel.array()), PyArray_BYTES(y) + y_offset,
          bias ? PyArray_BYTES(bias.array()) : nullptr};
}

Ref run_layer(const LayerArguments& a) {
  LayerCall call(a);
  PyObject* out = a.out == Py_None ? nullptr : a.out;
  Ref y = result_array(out, call.ndim(), call.shape(), call.type.y);
  if (call.is_empty()) {  // the gradient of no image at all is zero
    const Ref zero = checked(PyLong_FromLong(0));
    if (PyArray_FillWithScalar(y.array(), zero.get()) < 0) throw PythonError();
    return y;
  }
  if (out) {
    keep_apart(y.array(), call.data);
    keep_apart(y.array(), call.kernel);
    if (call.bias) keep_apart(y.array(), call.bias);
  }
  call.pose(y.array());
  Plan plan;
  make_plan(call.problem, call.request.method, plan);
  compute(call.problem, plan, call.arrays(y.array()), call.request.threads);
  return y;
}

PyObject* explain_layer(const LayerArguments& a) {
  LayerCall call(a);
  if (call.is_empty()) return checked(Py_BuildValue("(sdi[])", "none", 0.0, 1)).release();
  const Ref y = a.out == Py_None ? stand_in_result(call) : result_array(a.out, call.ndim(), call.shape(), call.type.y);
  call.pose(y.array());
  std::vector<Candidate> record;
  Plan plan;
  make_plan(call.problem, call.request.method, plan, {}, &record);
  settle(call.problem, PyArray_BYTES(call.kernel.array()), plan, &record);
  return explanation(plan, record, call.request.threads);
}

PlannedLayer::PlannedLayer(const LayerArguments& a, PyObject* x_dtype) : call_(a, x_dtype) {
  if (call_.bias) {
    call_.bias = checked(reinterpret_cast<PyObject*>(PyArray_NewCopy(call_.bias.array(), NPY_CORDER)));
    PyArray_CLEARFLAGS(call_.bias.array(), NPY_ARRAY_WRITEABLE);
  }
  call_.pose(stand_in_result(call_).array());
  const char* h = PyArray_BYTES(call_.kernel.array());
  make_plan(call_.problem, call_.request.method, plan_);
  settle(call_.problem, h, plan_);
  Run run = run_of(plan_.seconds, call_.request.threads);
  const bool polls = on_main_thread();
  ReleasedGil released;  // the kernel is this plan's own
  if (polls) run.interrupt = released.interrupt();
  prepared_ = std::make_unique<const Prepared>(call_.problem, plan_, h, run);
}

// What is prepared knows of no bias, unless its algorithm adds it.
void PlannedLayer::compute(const Problem& p, const Plan& plan, const Arrays& arrays, const Prepared* prepared) const {
  if (!prepared) return convcorr::compute(p, plan, arrays, call_.request.threads);
  const bool adds = adds_bias(plan);
  const Arrays without = {arrays.x, arrays.h, arrays.y, nullptr};
  convcorr::compute(plan.seconds, call_.request.threads, [&](const Run& run) {
    prepared->execute(p, plan, adds ? arrays : without, run);
    if (arrays.bias && !adds) add_bias(p, arrays, run);
  });
}

// For arrays of other strides or another batch than planned: chosen anew, with what was prepared where that serves.
Ref PlannedLayer::run_anew(PyArrayObject* x, Ref y) const {
  LayerShapes shapes = call_.shapes;
  if (shapes.wide.has_batch(call_.request.layer)) {
    shapes.wide.batch = shapes.narrow.batch = shapes.wide.shape[0] = shapes.narrow.shape[0] = PyArray_DIM(x, 0);
  }
  Problem p;
  index_t y_offset;
  pose_arrays(call_.request.layer, call_.type, shapes, x, call_.kernel.array(), y.array(), p, y_offset);
  Plan plan;
  make_plan(p, call_.request.method, plan);
  const bool same_way = plan.algorithm == plan_.algorithm && plan.by_parts == plan_.by_parts &&
                        plan.phases == plan_.phases && !plan_.separates && !plan.separates;
  Arrays arrays = call_.arrays(y.array());
  arrays.x = PyArray_BYTES(x);
  compute(p, plan, arrays, same_way ? prepared_.get() : nullptr);
  return y;
}

Ref PlannedLayer::run(PyObject* object, PyObject* out) const {
  Ref x = as_input(object, "x");
  const int ndim = PyArray_NDIM(x.array());
  const npy_intp *planned = PyArray_DIMS(call_.data.array()), *shape = PyArray_DIMS(x.array());
  const int batch = call_.shapes.wide.has_batch(call_.request.layer) ? 1 : 0;
  if (ndim != PyArray_NDIM(call_.data.array()) || !std::equal(planned + batch, planned + ndim, shape + batch)) {
    throw ValueError("x has shape " + shape_text(ndim, shape) + "; this plan takes " +
                     shape_text(PyArray_NDIM(call_.data.array()), planned) + (batch ? ", or another batch" : ""));
  }
  if (dtype_of(x.array()) != call_.problem.x_type) {
    throw TypeError("x has dtype " + dtype_text(PyArray_DESCR(x.array())) + "; this plan takes " +
                    dtype_text(PyArray_DESCR(call_.data.array())));
  }
  npy_intp result[max_layer_ndim];
  std::copy(call_.shape(), call_.shape() + ndim, result);
  if (batch) result[0] = shape[0];
  Ref y = result_array(out, ndim, result, call_.type.y);
  if (result[0] == 0) return y;
  if (out) keep_apart(y.array(), x);
  const bool plain = PyArray_IS_C_CONTIGUOUS(x.array()) && !is_swapped(x.array()) && PyArray_IS_C_CONTIGUOUS(y.array());
  if (plain && std::equal(planned, planned + ndim, shape)) {
    Arrays arrays = call_.arrays(y.array());
    arrays.x = PyArray_BYTES(x.array());
    compute(call_.problem, plan_, arrays, prepared_.get());
    return y;
  }
  return run_anew(x.array(), std::move(y));
}

PyObject* PlannedLayer::explain() const {
  std::vector<Candidate> record;
  Plan plan;
  make_plan(call_.problem, call_.request.method, plan, {}, &record);
  settle(call_.problem, PyArray_BYTES(call_.kernel.array()), plan, &record);
  return explanation(plan, record, call_.request.threads);
}

}  // namespace convcorr
