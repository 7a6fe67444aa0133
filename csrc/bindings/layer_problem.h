// Layers of neural networks as Problems. A layer takes images of C channels ("wide") to images of O channels ("narrow")
// with weights (O, C / groups, *kernel); what is computed of the three exchanges their roles:
//
//   conv            wide, w    -> narrow     the layer
//   conv_transpose  narrow, w  -> wide       its adjoint: samples `stride` apart, taps the other way round
//   grad_input      narrow, w  -> wide       the same, to a size that is known
//   grad_weight     wide, narrow -> w        narrow slides over wide as a kernel dilated by `stride`
//
// So a transposed layer's x is "narrow" here, and its w (C, O / groups, *kernel) is as PyTorch has it.
#pragma once

#include "bindings/arrays.h"

namespace convcorr {

constexpr int max_layer_axes = 3;
constexpr int max_layer_ndim = max_layer_axes + 2;

enum class LayerOperation : unsigned char { conv, conv_transpose, grad_input, grad_weight };

// What a layer is, but for its arrays.
struct Layer {
  LayerOperation operation = LayerOperation::conv;
  int axes = 0;  // spatial ones
  bool channels_last = false, flip = false;
  index_t groups = 1;
  Border border = Border::constant;
  index_t stride[max_layer_axes] = {}, dilation[max_layer_axes] = {};
  bool same = false;  // `before` and `after` follow from the kernel
  index_t before[max_layer_axes] = {}, after[max_layer_axes] = {}, output_padding[max_layer_axes] = {};
};

// Images of either layout. Strides are bytes, and 0 until there is an array.
struct Images {
  const char* name;
  int ndim;
  npy_intp shape[max_layer_ndim];  // as the caller has it: without a batch where there is but one image
  index_t batch = 1, channels, size[max_layer_axes];
  index_t batch_stride = 0, channel_stride = 0, stride[max_layer_axes] = {};

  bool has_batch(const Layer& layer) const { return ndim == layer.axes + 2; }
  void stride_as(const Layer& layer, PyArrayObject* array);
};

struct Weights {
  const char* name;
  npy_intp shape[max_layer_ndim];
  index_t narrow, wide, kernel[max_layer_axes];  // wide: of one group
  index_t narrow_stride = 0, wide_stride = 0, stride[max_layer_axes] = {};

  void stride_as(const Layer& layer, PyArrayObject* array);
};

// Both throw ValueError for a shape that is none; a batch may be empty, nothing else.
Images images_of(const Layer& layer, const char* name, int ndim, const npy_intp* shape);
Weights weights_of(const Layer& layer, const char* name, int ndim, const npy_intp* shape);

// All three, with their shapes checked against each other.
struct LayerShapes {
  Images wide, narrow;
  Weights w;
};

// What follows from two of them. `layer` gets its padding.
Images narrow_images(Layer& layer, const Images& wide, const Weights& w);
Images wide_images(Layer& layer, const Images& narrow, const Weights& w);
// Throws where the three don't belong together.
void check_layer(Layer& layer, const LayerShapes& shapes);

// Poses a layer but for its types; the first element of y lies y_offset bytes after that of the array.
void pose_layer(const Layer& layer, const LayerShapes& shapes, Problem& problem, index_t& y_offset);

}  // namespace convcorr
