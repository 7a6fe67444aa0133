#include "bindings/layer_problem.h"

#include "base/checked.h"

namespace convcorr {
namespace {

std::string text(index_t n) { return std::to_string(n); }
std::string on_axis(int i) { return " on spatial axis " + text(i); }
std::string shape_of(const Images& a) { return a.name + (" " + shape_text(a.ndim, a.shape)); }
std::string shape_of(const Layer& layer, const Weights& w) {
  return w.name + (" " + shape_text(layer.axes + 2, w.shape));
}

int batch_axes(const Layer& layer, int ndim) { return ndim - layer.axes - 1; }
int channel_axis(const Layer& layer, int ndim) { return layer.channels_last ? ndim - 1 : batch_axes(layer, ndim); }
int spatial_axis(const Layer& layer, int ndim, int i) {
  return batch_axes(layer, ndim) + (layer.channels_last ? 0 : 1) + i;
}

index_t reach_of(const Layer& layer, const Weights& w, int i) {
  constexpr const char* what = "the reach of w with its dilation";
  return checked_add(checked_mul(w.kernel[i] - 1, layer.dilation[i], what), 1, what);
}

// Padding that keeps the size where stride is 1; the odd sample goes to the end, as PyTorch has it.
void resolve_padding(Layer& layer, const Weights& w) {
  if (!layer.same) return;
  for (int i = 0; i < layer.axes; ++i) {
    const index_t both = reach_of(layer, w, i) - 1;
    layer.before[i] = both / 2;
    layer.after[i] = both - both / 2;
  }
}

index_t padded_by(const Layer& layer, int i, index_t size) {
  constexpr const char* what = "a size with its padding";
  return checked_add(size, checked_add(layer.before[i], layer.after[i], what), what);
}

index_t narrow_size(const Layer& layer, const Images& wide, const Weights& w, int i) {
  const index_t reach = reach_of(layer, w, i);
  const index_t padded = padded_by(layer, i, wide.size[i]);
  if (padded < reach) {
    throw ValueError(std::string(w.name) + " reaches over " + text(reach) + " samples" + on_axis(i) + ", where " +
                     shape_of(wide) + " has " + text(padded) + " with its padding; it takes no more than those");
  }
  return (padded - reach) / layer.stride[i] + 1;
}

index_t wide_size(const Layer& layer, const Images& narrow, const Weights& w, int i) {
  constexpr const char* what = "the size of the result, with its stride,";
  const index_t steps = checked_mul(narrow.size[i] - 1, layer.stride[i], what);
  const index_t whole = checked_add(checked_add(steps, reach_of(layer, w, i), what), layer.output_padding[i], what);
  const index_t size = whole - padded_by(layer, i, 0);
  if (size < 1) {
    throw ValueError("padding takes " + text(layer.before[i]) + " and " + text(layer.after[i]) + " of the " +
                     text(whole) + " samples of the result" + on_axis(i) + "; it takes fewer than there are");
  }
  return size;
}

// Images of another size and number of channels, with a batch as `like` has it.
Images images_like(const Layer& layer, const Images& like, index_t channels, const index_t* size) {
  Images a;
  a.name = "the result";
  a.ndim = like.ndim;
  a.batch = like.batch;
  a.channels = channels;
  if (like.has_batch(layer)) a.shape[0] = like.batch;
  a.shape[channel_axis(layer, a.ndim)] = channels;
  for (int i = 0; i < layer.axes; ++i) a.shape[spatial_axis(layer, a.ndim, i)] = a.size[i] = size[i];
  return a;
}

void check_groups(const Layer& layer, const Weights& w) {
  if (w.narrow % layer.groups == 0) return;
  throw ValueError("groups is " + text(layer.groups) + ", which doesn't divide the " + text(w.narrow) +
                   " channels that the first axis of " + w.name + " has");
}

void check_wide(const Layer& layer, const Images& wide, const Weights& w) {
  if (w.wide * layer.groups == wide.channels) return;
  throw ValueError(shape_of(wide) + " has " + text(wide.channels) + " channels; " + shape_of(layer, w) +
                   " with groups " + text(layer.groups) + " takes " + text(w.wide * layer.groups));
}

void check_narrow(const Layer& layer, const Images& narrow, const Weights& w) {
  if (w.narrow == narrow.channels) return;
  throw ValueError(shape_of(narrow) + " has " + text(narrow.channels) + " channels; " + shape_of(layer, w) + " takes " +
                   text(w.narrow));
}

OuterAxis batch_axis(const Images& x, const Images& y) {
  return {Role::batch, x.batch, x.batch_stride, 0, y.batch_stride};
}

void pose_conv(const Layer& layer, const LayerShapes& s, Problem& p) {
  const index_t wide = s.w.wide, narrow = s.w.narrow / layer.groups;
  p.outer[0] = batch_axis(s.wide, s.narrow);
  p.outer[1] = {Role::group, layer.groups, wide * s.wide.channel_stride, narrow * s.w.narrow_stride,
                narrow * s.narrow.channel_stride};
  p.outer[2] = {Role::out_channel, narrow, 0, s.w.narrow_stride, s.narrow.channel_stride};
  p.outer[3] = {Role::in_channel, wide, s.wide.channel_stride, s.w.wide_stride, 0};
  for (int i = 0; i < layer.axes; ++i) {
    p.spatial[i] = {s.wide.size[i],   s.w.kernel[i], s.narrow.size[i], layer.stride[i], layer.dilation[i], 1,
                    -layer.before[i], layer.border,  s.wide.stride[i], s.w.stride[i],   s.narrow.stride[i]};
  }
  p.flip = layer.flip;
}

// Output n of the layer reads position n * stride + t * dilation - before with tap t; here each position gathers what
// it gave: with the taps back to front, tap K - 1 - t of it is t.
void pose_transposed(const Layer& layer, const LayerShapes& s, Problem& p) {
  const index_t wide = s.w.wide, narrow = s.w.narrow / layer.groups;
  p.outer[0] = batch_axis(s.narrow, s.wide);
  p.outer[1] = {Role::group, layer.groups, narrow * s.narrow.channel_stride, narrow * s.w.narrow_stride,
                wide * s.wide.channel_stride};
  p.outer[2] = {Role::out_channel, wide, 0, s.w.wide_stride, s.wide.channel_stride};
  p.outer[3] = {Role::in_channel, narrow, s.narrow.channel_stride, s.w.narrow_stride, 0};
  for (int i = 0; i < layer.axes; ++i) {
    const index_t offset = layer.before[i] - (reach_of(layer, s.w, i) - 1);
    p.spatial[i] = {s.narrow.size[i],   s.w.kernel[i],   s.wide.size[i],  1,
                    layer.dilation[i],  layer.stride[i], offset,          Border::constant,
                    s.narrow.stride[i], s.w.stride[i],   s.wide.stride[i]};
  }
  p.flip = !layer.flip;
}

// The outputs are taps. Where those are back to front, y is: it is written from its end.
void pose_grad_weight(const Layer& layer, const LayerShapes& s, Problem& p, index_t& y_offset) {
  const index_t wide = s.w.wide, narrow = s.w.narrow / layer.groups;
  p.outer[0] = {Role::group, layer.groups, wide * s.wide.channel_stride, narrow * s.narrow.channel_stride,
                narrow * s.w.narrow_stride};
  p.outer[1] = {Role::out_channel, narrow, 0, s.narrow.channel_stride, s.w.narrow_stride};
  p.outer[2] = {Role::batch, wide, s.wide.channel_stride, 0, s.w.wide_stride};
  p.outer[3] = {Role::in_channel, s.wide.batch, s.wide.batch_stride, s.narrow.batch_stride, 0};
  for (int i = 0; i < layer.axes; ++i) {
    p.spatial[i] = {s.wide.size[i],   s.narrow.size[i], s.w.kernel[i],    layer.dilation[i],  layer.stride[i], 1,
                    -layer.before[i], layer.border,     s.wide.stride[i], s.narrow.stride[i], s.w.stride[i]};
    if (!layer.flip) continue;
    y_offset += (s.w.kernel[i] - 1) * s.w.stride[i];
    p.spatial[i].y_stride = -s.w.stride[i];
  }
  p.flip = false;
}

}  // namespace

void Images::stride_as(const Layer& layer, PyArrayObject* array) {
  if (has_batch(layer)) batch_stride = PyArray_STRIDE(array, 0);
  channel_stride = PyArray_STRIDE(array, channel_axis(layer, ndim));
  for (int i = 0; i < layer.axes; ++i) stride[i] = PyArray_STRIDE(array, spatial_axis(layer, ndim, i));
}

void Weights::stride_as(const Layer& layer, PyArrayObject* array) {
  narrow_stride = PyArray_STRIDE(array, 0);
  wide_stride = PyArray_STRIDE(array, 1);
  for (int i = 0; i < layer.axes; ++i) stride[i] = PyArray_STRIDE(array, 2 + i);
}

Images images_of(const Layer& layer, const char* name, int ndim, const npy_intp* shape) {
  if (batch_axes(layer, ndim) < 0 || batch_axes(layer, ndim) > 1) {
    throw ValueError(std::string(name) + " has " + text(ndim) + " axes, shape " + shape_text(ndim, shape) +
                     "; it takes " + text(layer.axes + 2) + " (batch, channels, " + text(layer.axes) +
                     " spatial), or " + text(layer.axes + 1) + " without a batch");
  }
  Images a;
  a.name = name;
  a.ndim = ndim;
  for (int axis = 0; axis < ndim; ++axis) {
    a.shape[axis] = shape[axis];
    if (shape[axis] > 0 || (axis == 0 && batch_axes(layer, ndim) == 1)) continue;
    throw ValueError(std::string(name) + " " + shape_text(ndim, shape) + " has no " +
                     (axis == channel_axis(layer, ndim) ? "channels" : "samples") + "; it takes at least one");
  }
  if (a.has_batch(layer)) a.batch = shape[0];
  a.channels = shape[channel_axis(layer, ndim)];
  for (int i = 0; i < layer.axes; ++i) a.size[i] = shape[spatial_axis(layer, ndim, i)];
  return a;
}

Weights weights_of(const Layer& layer, const char* name, int ndim, const npy_intp* shape) {
  if (ndim != layer.axes + 2) {
    throw ValueError(std::string(name) + " has " + text(ndim) + " axes, shape " + shape_text(ndim, shape) +
                     "; it takes " + text(layer.axes + 2) + ": two of channels and " + text(layer.axes) + " of taps");
  }
  Weights w;
  w.name = name;
  for (int axis = 0; axis < ndim; ++axis) {
    w.shape[axis] = shape[axis];
    if (shape[axis] > 0) continue;
    throw ValueError(std::string(name) + " " + shape_text(ndim, shape) + " has no " + (axis < 2 ? "channels" : "taps") +
                     "; it takes at least one");
  }
  w.narrow = shape[0];
  w.wide = shape[1];
  for (int i = 0; i < layer.axes; ++i) w.kernel[i] = shape[2 + i];
  return w;
}

Images narrow_images(Layer& layer, const Images& wide, const Weights& w) {
  check_groups(layer, w);
  check_wide(layer, wide, w);
  resolve_padding(layer, w);
  index_t size[max_layer_axes];
  for (int i = 0; i < layer.axes; ++i) size[i] = narrow_size(layer, wide, w, i);
  return images_like(layer, wide, w.narrow, size);
}

Images wide_images(Layer& layer, const Images& narrow, const Weights& w) {
  check_groups(layer, w);
  check_narrow(layer, narrow, w);
  resolve_padding(layer, w);
  index_t size[max_layer_axes];
  for (int i = 0; i < layer.axes; ++i) size[i] = wide_size(layer, narrow, w, i);
  return images_like(layer, narrow, checked_mul(w.wide, layer.groups), size);
}

void check_layer(Layer& layer, const LayerShapes& s) {
  const Images expected = narrow_images(layer, s.wide, s.w);
  check_narrow(layer, s.narrow, s.w);
  bool same = s.narrow.ndim == expected.ndim;
  for (int axis = 0; same && axis < expected.ndim; ++axis) same = s.narrow.shape[axis] == expected.shape[axis];
  if (same) return;
  throw ValueError(shape_of(s.narrow) + " doesn't belong to " + shape_of(s.wide) + ", whose layer with " +
                   shape_of(layer, s.w) + " gives " + shape_text(expected.ndim, expected.shape));
}

namespace {

// NumPy gives an axis of one element any stride at all; plans should not depend on it.
void forget_strides_of_one(Problem& p) {
  for (int a = 0; a < p.outer_count; ++a) {
    if (p.outer[a].size == 1) p.outer[a].x_stride = p.outer[a].h_stride = 0;
  }
  for (int a = 0; a < p.spatial_count; ++a) {
    if (p.spatial[a].in == 1) p.spatial[a].x_stride = 0;
    if (p.spatial[a].kernel == 1) p.spatial[a].h_stride = 0;
  }
}

}  // namespace

void pose_layer(const Layer& layer, const LayerShapes& shapes, Problem& problem, index_t& y_offset) {
  y_offset = 0;
  problem.spatial_count = layer.axes;
  problem.outer_count = 4;
  switch (layer.operation) {
    case LayerOperation::conv:
      pose_conv(layer, shapes, problem);
      break;
    case LayerOperation::conv_transpose:
    case LayerOperation::grad_input:
      pose_transposed(layer, shapes, problem);
      break;
    case LayerOperation::grad_weight:
      pose_grad_weight(layer, shapes, problem, y_offset);
      break;
  }
  forget_strides_of_one(problem);
}

}  // namespace convcorr
