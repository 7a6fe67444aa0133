// The arguments of a layer, read and checked.
#pragma once

#include <optional>

#include "bindings/layer_problem.h"
#include "plan/plan.h"

namespace convcorr {

// As _core's functions of layers take them, by position. `data` slides under `kernel`; `shape` is that of what is
// computed, where it doesn't follow from those.
struct LayerArguments {
  PyObject *operation, *axes, *data, *kernel, *shape, *bias, *stride, *padding, *output_padding, *dilation, *groups,
      *layout, *flip, *padding_mode, *algorithm, *dtype, *out, *threads;
};
constexpr int layer_argument_count = 18;

struct LayerRequest {
  Layer layer;
  Method method;
  std::optional<int> threads;
};

// Like the other readers, it runs the caller's code (an argument's __index__): read shapes and strides after it.
LayerRequest read_layer(const LayerArguments& a);

// The names that the caller knows the arrays by.
const char* data_name(const Layer& layer);
const char* kernel_name(const Layer& layer);

// A shape of `ndim` axes at most; returns how many.
int read_shape(const char* name, PyObject* object, npy_intp (&shape)[max_layer_ndim]);

void intern_layer_words();  // call once, at load

}  // namespace convcorr
