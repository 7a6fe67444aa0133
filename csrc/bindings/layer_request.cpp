#include "bindings/layer_request.h"

#include "base/checked.h"
#include "bindings/values.h"

namespace convcorr {
namespace {

Word operations[] = {{"conv", 0}, {"conv_transpose", 1}, {"grad_input", 2}, {"grad_weight", 3}};
Word algorithms[] = {{"auto", static_cast<int>(Method::automatic)}, {"direct", static_cast<int>(Method::direct)},
                     {"im2col", static_cast<int>(Method::im2col)},  {"winograd", static_cast<int>(Method::winograd)},
                     {"fft", static_cast<int>(Method::fft)},        {"depthwise", static_cast<int>(Method::depthwise)}};
Word strings_of_padding[] = {{"valid", 0}, {"same", 1}};
// Channels first or last; by the number of spatial axes.
Word layouts_1d[] = {{"NCHW", 0}, {"NHWC", 1}, {"NCL", 0}, {"NLC", 1}};
Word layouts_2d[] = {{"NCHW", 0}, {"NHWC", 1}};
Word layouts_3d[] = {{"NCHW", 0}, {"NHWC", 1}, {"NCDHW", 0}, {"NDHWC", 1}};

bool read_channels_last(PyObject* object, int axes) {
  if (axes == 1) return read_word("layout", object, layouts_1d) == 1;
  if (axes == 2) return read_word("layout", object, layouts_2d) == 1;
  return read_word("layout", object, layouts_3d) == 1;
}

std::string one_or_each(int axes, const char* what) {
  return std::string("an int ") + what + ", or a tuple of " + std::to_string(axes) + ": one for each spatial axis";
}

void read_per_axis(const char* name, PyObject* object, int axes, index_t least, index_t* values) {
  const std::string takes = one_or_each(axes, least == 0 ? "of at least 0" : "of at least 1");
  const Ref tuple = is_sequence(object) ? as_tuple(object) : Ref();
  if (tuple && PyTuple_GET_SIZE(tuple.get()) != axes) wrong_value(name, object, takes);
  for (int i = 0; i < axes; ++i) {
    values[i] = read_integer(name, tuple ? PyTuple_GET_ITEM(tuple.get(), i) : object, takes.c_str());
    if (values[i] < least) wrong_value(name, object, takes);
  }
}

// An int, one for each axis, or a pair (before, after) for each.
void read_padding(PyObject* object, Layer& layer) {
  if (PyUnicode_Check(object)) {
    layer.same = read_word("padding", object, strings_of_padding) == 1;
    for (int i = 0; layer.same && i < layer.axes; ++i) {
      if (layer.stride[i] == 1) continue;
      throw ValueError("padding is 'same' with stride " + std::to_string(layer.stride[i]) +
                       "; it takes stride 1 on every axis");
    }
    return;
  }
  const std::string takes = one_or_each(layer.axes, "of at least 0") +
                            ", or for each a pair (before, after); "
                            "or 'same' or 'valid'";
  const Ref tuple = is_sequence(object) ? as_tuple(object) : Ref();
  if (tuple && PyTuple_GET_SIZE(tuple.get()) != layer.axes) wrong_value("padding", object, takes);
  for (int i = 0; i < layer.axes; ++i) {
    PyObject* item = tuple ? PyTuple_GET_ITEM(tuple.get(), i) : object;
    const Ref pair = tuple && is_sequence(item) ? as_tuple(item) : Ref();
    if (pair && PyTuple_GET_SIZE(pair.get()) != 2) wrong_value("padding", object, takes);
    index_t* both[] = {&layer.before[i], &layer.after[i]};
    for (int end = 0; end < 2; ++end) {
      *both[end] = read_integer("padding", pair ? PyTuple_GET_ITEM(pair.get(), end) : item, takes.c_str());
      if (*both[end] < 0) wrong_value("padding", object, takes);
    }
  }
}

void read_output_padding(PyObject* object, Layer& layer) {
  read_per_axis("output_padding", object, layer.axes, 0, layer.output_padding);
  for (int i = 0; i < layer.axes; ++i) {
    if (layer.output_padding[i] < layer.stride[i] || layer.output_padding[i] < layer.dilation[i]) continue;
    throw ValueError("output_padding is " + std::to_string(layer.output_padding[i]) + " with stride " +
                     std::to_string(layer.stride[i]) + " and dilation " + std::to_string(layer.dilation[i]) +
                     "; it takes less than the larger of the two");
  }
}

bool read_flag(const char* name, PyObject* object) {
  if (PyBool_Check(object) || PyArray_IsScalar(object, Bool)) return PyObject_IsTrue(object) == 1;
  wrong_type(name, object, "True or False");
}

void read_padding_mode(PyObject* object, Layer& layer) {
  layer.border = read_border("padding_mode", object);
  const bool scatters =
      layer.operation == LayerOperation::conv_transpose || layer.operation == LayerOperation::grad_input;
  if (!scatters || layer.border == Border::constant) return;
  wrong_value("padding_mode", object, "'constant' alone where samples are gathered from a layer's outputs");
}

}  // namespace

LayerRequest read_layer(const LayerArguments& a) {
  LayerRequest r;
  Layer& layer = r.layer;
  layer.operation = static_cast<LayerOperation>(read_word("op", a.operation, operations));
  layer.axes = static_cast<int>(read_integer("axes", a.axes, "1, 2 or 3"));
  if (layer.axes < 1 || layer.axes > max_layer_axes) wrong_value("axes", a.axes, "1, 2 or 3");
  read_per_axis("stride", a.stride, layer.axes, 1, layer.stride);
  read_per_axis("dilation", a.dilation, layer.axes, 1, layer.dilation);
  read_padding(a.padding, layer);
  read_output_padding(a.output_padding, layer);
  layer.groups = read_integer("groups", a.groups, "an int of at least 1");
  if (layer.groups < 1) wrong_value("groups", a.groups, "an int of at least 1");
  layer.channels_last = read_channels_last(a.layout, layer.axes);
  layer.flip = read_flag("flip", a.flip);
  read_padding_mode(a.padding_mode, layer);
  r.method = static_cast<Method>(read_word("algorithm", a.algorithm, algorithms));
  r.threads = read_threads(a.threads);
  return r;
}

const char* data_name(const Layer& layer) { return layer.operation == LayerOperation::grad_input ? "grad_out" : "x"; }
const char* kernel_name(const Layer& layer) {
  return layer.operation == LayerOperation::grad_weight ? "grad_out" : "w";
}

int read_shape(const char* name, PyObject* object, npy_intp (&shape)[max_layer_ndim]) {
  constexpr const char* takes = "a tuple of 2 to 5 ints of at least 0";
  if (!is_sequence(object)) wrong_type(name, object, takes);
  const Ref tuple = as_tuple(object);
  const Py_ssize_t count = PyTuple_GET_SIZE(tuple.get());
  if (count > max_layer_ndim) wrong_value(name, object, takes);
  double elements = 16;  // bytes of the widest
  for (Py_ssize_t i = 0; i < count; ++i) {
    shape[i] = read_integer(name, PyTuple_GET_ITEM(tuple.get(), i), takes);
    if (shape[i] < 0) wrong_value(name, object, takes);
    elements *= static_cast<double>(shape[i]);
  }
  if (elements > 9e18) wrong_value(name, object, "the shape of an array");
  return static_cast<int>(count);
}

void intern_layer_words() {
  intern(operations);
  intern(algorithms);
  intern(strings_of_padding);
  intern(layouts_1d);
  intern(layouts_2d);
  intern(layouts_3d);
}

}  // namespace convcorr
