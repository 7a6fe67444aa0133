// scipy.ndimage's filters: an N-D kernel at once, or 1-D kernels axis by axis.
//
// What is out of the ordinary (lists, complex numbers, other dtypes, bad or odd arguments) gets NotImplemented:
// python/convcorr/scipy answers, by turning it into ordinary calls or into SciPy's errors.
#include <algorithm>
#include <optional>
#include <vector>

#include "base/buffer.h"
#include "base/checked.h"
#include "bindings/arguments.h"
#include "bindings/call.h"
#include "bindings/ndimage_problem.h"
#include "bindings/register.h"
#include "execute/fused.h"

namespace convcorr {
namespace {

struct Word {
  const char* text;
  Border border;
  PyObject* interned = nullptr;
};
Word words[] = {{"reflect", Border::symmetric},      {"constant", Border::constant}, {"nearest", Border::edge},
                {"mirror", Border::reflect},         {"wrap", Border::wrap},         {"grid-mirror", Border::symmetric},
                {"grid-constant", Border::constant}, {"grid-wrap", Border::wrap}};

// Readers return false for what isn't ordinary.

bool read_mode(PyObject* mode, Border& border) {
  for (const Word& w : words) {
    if (mode == w.interned) return border = w.border, true;
  }
  if (!PyUnicode_CheckExact(mode)) return false;
  for (const Word& w : words) {
    if (PyUnicode_Compare(mode, w.interned) == 0) return border = w.border, true;
  }
  return false;
}

bool read_integer(PyObject* object, index_t& value) {
  if (!PyLong_CheckExact(object)) return false;
  value = PyLong_AsSsize_t(object);
  if (value != -1 || !PyErr_Occurred()) return true;
  PyErr_Clear();
  return false;
}

bool read_number(PyObject* object, double& value) {
  if (!PyFloat_Check(object) && !PyLong_CheckExact(object)) return false;
  value = PyFloat_AsDouble(object);
  if (value != -1 || !PyErr_Occurred()) return true;
  PyErr_Clear();
  return false;
}

// One for all axes, or one for each of `count`.
PyObject* value_for(PyObject* object, Py_ssize_t i) {
  return PyTuple_CheckExact(object) ? PyTuple_GET_ITEM(object, i) : object;
}
bool counts(PyObject* object, Py_ssize_t count) {
  return !PyTuple_CheckExact(object) || PyTuple_GET_SIZE(object) == count;
}

// Whether tap 0, and so every tap, has a place that SciPy takes.
bool fits_origin(index_t size, index_t origin, bool flip) {
  const index_t before = -offset_of({nullptr, size, flip}, origin);
  return before >= 0 && before < size;
}

bool is_filterable(PyArrayObject* a) {
  DType t;
  return known_dtype(PyArray_TYPE(a), t) && (is_integer(t) || t == DType::f32 || t == DType::f64);
}

View view_of(PyArrayObject* a) { return {PyArray_BYTES(a), dtype_of(a), is_swapped(a), PyArray_STRIDES(a)}; }

// The data and where its result goes.
struct Images {
  Ref x, y;
  Shape shape;

  bool overlapping() const { return overlap(x.array(), y.array()); }
};

bool read_images(PyObject* input, PyObject* output, Images& images) {
  if (!PyArray_CheckExact(input)) return false;
  auto* x = reinterpret_cast<PyArrayObject*>(input);
  if (!is_filterable(x) || PyArray_NDIM(x) == 0 || PyArray_SIZE(x) == 0) return false;
  images.x = borrowed(input);
  images.shape = {PyArray_NDIM(x), PyArray_DIMS(x)};
  if (output == Py_None) {
    images.y = new_result(PyArray_NDIM(x), PyArray_DIMS(x), dtype_of(x));
    return true;
  }
  if (!PyArray_CheckExact(output)) return false;
  auto* y = reinterpret_cast<PyArrayObject*>(output);
  const bool fits = PyArray_NDIM(y) == PyArray_NDIM(x) &&
                    std::equal(PyArray_DIMS(x), PyArray_DIMS(x) + PyArray_NDIM(x), PyArray_DIMS(y));
  if (!fits || !is_filterable(y) || is_swapped(y) || !PyArray_ISWRITEABLE(y)) return false;
  images.y = borrowed(output);
  return true;
}

void copy_input(Images& images) {
  images.x = checked(reinterpret_cast<PyObject*>(PyArray_NewCopy(images.x.array(), NPY_KEEPORDER)));
}

// Taps as contiguous doubles, or none.
Ref read_taps(PyObject* weights, int ndim) {
  if (!PyArray_CheckExact(weights)) return {};
  auto* w = reinterpret_cast<PyArrayObject*>(weights);
  DType t;
  if (PyArray_NDIM(w) != ndim || PyArray_SIZE(w) == 0 || !known_dtype(PyArray_TYPE(w), t) || is_complex(t)) return {};
  return checked(PyArray_FROM_OTF(weights, NPY_DOUBLE, NPY_ARRAY_IN_ARRAY | NPY_ARRAY_FORCECAST));
}

const double* doubles(const Ref& taps) { return static_cast<const double*>(PyArray_DATA(taps.array())); }

PyObject* not_implemented() { return borrowed(Py_NotImplemented).release(); }

void solve(const Problem& p, const char* x, const char* h, char* y) {
  validate(p);
  Plan plan;
  // A transform's error is measured by the whole window; float32 taken for double stays as near as a sum is.
  const bool narrow = p.sum_type == DType::f32;
  make_plan(p, narrow ? Method::direct : Method::automatic, plan);
  compute(p, plan, {x, h, y}, {});
}

// ------------------------------------------------------------------------------------------------- axis after axis

struct Chain {
  Pass pass[max_ndim];
  Ref taps[max_ndim];
  std::vector<double> narrow[max_ndim];
  int count = 0;
  double fill = 0;
};

// What lies between two passes: of the result's type, as SciPy keeps it there too.
struct Between {
  npy_intp strides[max_ndim];
  index_t bytes;

  Between(const Shape& shape, DType type) {
    bytes = itemsize(type);
    for (int axis = shape.ndim - 1; axis >= 0; --axis) {
      strides[axis] = bytes;
      bytes = checked_mul(bytes, shape.of[axis]);
      // Rows that begin a multiple of 4 KB apart would share a few cache sets.
      if (shape.ndim == 2 && axis == 1 && bytes % 4096 == 0) bytes += 2 * Scratch::line;
    }
  }
};

void narrow_taps_of(Chain& chain, DType x, DType y) {
  for (int i = 0; i < chain.count; ++i) {
    Kernel& kernel = chain.pass[i].kernel;
    if (!wants_narrow_taps(i == 0 ? x : y, y, kernel)) continue;
    chain.narrow[i] = narrow_taps(kernel);
    kernel.taps = chain.narrow[i].data();
  }
}

bool solve(const FusedProblem& f, const View& x, const View& y) {
  FusedPlan plan;
  validate(f.p);
  if (!make_fused_plan(f, plan)) return false;
  bool done = false;
  compute(plan.seconds, {}, [&](const Run& run) { done = run_fused(plan, x.data, y.data, run); });
  return done;
}

// Passes `number` and the next at once, from x to y.
bool run_fused_passes(const Shape& shape, const Chain& chain, int number, const View& x, const View& y) {
  FusedProblem f = {};
  return pose_passes(shape, x, y, chain.pass[number], chain.pass[number + 1], chain.fill, f) && solve(f, x, y);
}

void run_pass(const Shape& shape, const Chain& chain, int number, const View& x, const View& y) {
  FusedProblem f = {};
  if (pose_wide_mean(shape, x, y, chain.pass[number], chain.fill, f) && solve(f, x, y)) return;
  Problem p;
  pose_pass(shape, x, y, chain.pass[number], chain.fill, p);
  solve(p, x.data, taps_at(p, chain.pass[number].kernel), y.data);
}

// Where passes leave what the next one reads: two buffers in turns, made when first needed.
class Buffers {
 public:
  Buffers(const Shape& shape, DType type) : between_(shape, type), type_(type) {}

  View next() {
    constexpr index_t engine = 1 << 20;
    if (!scratch_) scratch_.emplace(checked_mul(2, Scratch::padded(between_.bytes)), engine);
    char*& buffer = buffer_[turn_ = 1 - turn_];
    if (!buffer) buffer = scratch_->take<char>(between_.bytes);
    return {buffer, type_, false, between_.strides};
  }

 private:
  const Between between_;
  const DType type_;
  std::optional<Scratch> scratch_;
  char* buffer_[2] = {};
  int turn_ = 0;
};

// A filter along each of some axes, one after the other; the last two at once where they can be.
void run_chain(Images& images, Chain& chain) {
  const View y = view_of(images.y.array());
  if (may_be_small(images.shape) && y.strides[images.shape.ndim - 1] != itemsize(y.type)) {
    // The way for small images writes rows of memory; another would take sums in another order.
    Images apart = {borrowed(images.x.get()), new_result(images.shape.ndim, images.shape.of, y.type), images.shape};
    run_chain(apart, chain);
    if (PyArray_CopyInto(images.y.array(), apart.y.array()) < 0) throw PythonError();
    return;
  }
  if (images.overlapping()) copy_input(images);
  View from = view_of(images.x.array());
  narrow_taps_of(chain, as_bytes(from.type), as_bytes(y.type));
  Buffers buffers(images.shape, as_bytes(y.type));
  for (int i = 0; i < chain.count; ++i) {
    if (i == chain.count - 2 && run_fused_passes(images.shape, chain, i, from, y)) return;
    const View to = i == chain.count - 1 ? y : buffers.next();
    run_pass(images.shape, chain, i, from, to);
    from = to;
  }
}

// One axis, some, or all where none are given.
bool read_axes(PyObject* object, int ndim, int* axes, int& count) {
  if (object == Py_None) {
    for (int a = 0; a < ndim; ++a) axes[a] = a;
    count = ndim;
    return true;
  }
  const Py_ssize_t n = PyTuple_CheckExact(object) ? PyTuple_GET_SIZE(object) : 1;
  if (n > ndim) return false;
  for (count = 0; count < n; ++count) {
    index_t axis;
    if (!read_integer(value_for(object, count), axis) || axis < -ndim || axis >= ndim) return false;
    axes[count] = static_cast<int>(axis < 0 ? axis + ndim : axis);
  }
  return true;
}

// A pass with the kernel that `object` is: an array of taps, or the size of a mean.
bool add_pass(Chain& chain, PyObject* object, int axis, Border border, index_t origin, bool flip) {
  Pass& pass = chain.pass[chain.count];
  pass = {{nullptr, 0, flip}, axis, origin, border};
  if (PyLong_CheckExact(object)) {
    if (!read_integer(object, pass.kernel.size) || pass.kernel.size < 1) return false;
  } else {
    Ref taps = read_taps(object, 1);
    if (!taps) return false;
    pass.kernel.taps = doubles(taps);
    pass.kernel.size = PyArray_DIM(taps.array(), 0);
    chain.taps[chain.count] = std::move(taps);
  }
  ++chain.count;
  return fits_origin(pass.kernel.size, origin, flip);
}

// (input, kernels, axes, output, mode, cval, origin): axes are one, a tuple, or None for all, and of the others each is
// one for all of them or a tuple. A mean over one sample, of all axes, is no pass.
PyObject* filter_axes(PyObject* const* args, bool flip) {
  PyObject *kernels = args[1], *modes = args[4], *origins = args[6];
  if (!PyArray_CheckExact(args[0])) return not_implemented();
  int axes[max_ndim], count;
  Chain chain;
  const bool plain = read_axes(args[2], PyArray_NDIM(reinterpret_cast<PyArrayObject*>(args[0])), axes, count) &&
                     counts(kernels, count) && counts(modes, count) && counts(origins, count) &&
                     read_number(args[5], chain.fill);
  if (!plain) return not_implemented();
  for (int i = 0; i < count; ++i) {
    Border border;
    index_t origin, size;
    PyObject* kernel = value_for(kernels, i);
    if (!read_mode(value_for(modes, i), border) || !read_integer(value_for(origins, i), origin)) {
      return not_implemented();
    }
    if (args[2] == Py_None && PyLong_CheckExact(kernel) && read_integer(kernel, size) && size == 1) continue;
    if (!add_pass(chain, kernel, axes[i], border, origin, flip)) return not_implemented();
  }
  Images images;
  if (chain.count == 0 || !read_images(args[0], args[3], images)) return not_implemented();
  run_chain(images, chain);
  return images.y.release();
}

// The same along one axis, with one value each; the kernel is the size of a mean, or is not.
PyObject* filter_axis(PyObject* const* args, bool flip, bool mean) {
  if (static_cast<bool>(PyLong_CheckExact(args[1])) != mean) return not_implemented();
  for (int i : {1, 2, 4, 6}) {
    if (args[i] == Py_None || PyTuple_CheckExact(args[i])) return not_implemented();
  }
  return filter_axes(args, flip);
}

// (input, axis, output, mode, cval, smooth): differences along one axis, `smooth` along the others.
PyObject* derivative(PyObject* const* args) {
  static const double difference[3] = {-1, 0, 1};
  if (!PyArray_CheckExact(args[0])) return not_implemented();
  const int ndim = PyArray_NDIM(reinterpret_cast<PyArrayObject*>(args[0]));
  int axes[max_ndim], count;
  Border border;
  Chain chain;
  if (PyTuple_CheckExact(args[1]) || !PyLong_CheckExact(args[1]) || !counts(args[3], ndim) ||
      !read_axes(args[1], ndim, axes, count) || !read_mode(value_for(args[3], axes[0]), border) ||
      !read_number(args[4], chain.fill)) {
    return not_implemented();
  }
  chain.pass[chain.count++] = {{difference, 3, false}, axes[0], 0, border};
  for (int axis = 0; axis < ndim; ++axis) {
    if (axis == axes[0]) continue;
    if (!read_mode(value_for(args[3], axis), border) || !add_pass(chain, args[5], axis, border, 0, false)) {
      return not_implemented();
    }
  }
  Images images;
  if (!read_images(args[0], args[2], images)) return not_implemented();
  run_chain(images, chain);
  return images.y.release();
}

// ------------------------------------------------------------------------------------------------- one N-D kernel

// (input, weights, output, mode, cval, origin, axes)
PyObject* filter_kernel(PyObject* const* args, bool flip) {
  Border border;
  double fill;
  if (args[6] != Py_None || !read_mode(args[3], border) || !read_number(args[4], fill)) return not_implemented();
  if (!PyArray_CheckExact(args[0])) return not_implemented();
  const int ndim = PyArray_NDIM(reinterpret_cast<PyArrayObject*>(args[0]));
  const Ref taps = read_taps(args[1], ndim);
  if (!taps || !counts(args[5], ndim)) return not_implemented();
  const NdKernel kernel = {doubles(taps), PyArray_DIMS(taps.array()), flip};
  index_t origins[max_ndim];
  for (int axis = 0; axis < ndim; ++axis) {
    index_t& origin = origins[axis];
    if (!read_integer(value_for(args[5], axis), origin)) return not_implemented();
    if (!fits_origin(kernel.shape[axis], origin, flip)) return not_implemented();
  }
  Images images;
  if (!read_images(args[0], args[2], images)) return not_implemented();
  if (images.overlapping()) copy_input(images);
  const View x = view_of(images.x.array()), y = view_of(images.y.array());
  Problem p;
  if (!pose_kernel(images.shape, x, y, kernel, origins, border, fill, p)) return not_implemented();
  solve(p, x.data, reinterpret_cast<const char*>(kernel.taps), y.data);
  return images.y.release();
}

// ------------------------------------------------------------------------------------------------------- registration

template <int expected, class F>
PyObject* with_arguments(Py_ssize_t count, F f) {
  if (count != expected) {
    PyErr_Format(PyExc_TypeError, "takes exactly %d arguments", expected);
    return nullptr;
  }
  return guarded(f);
}

PyObject* axes_entry(PyObject*, PyObject* const* args, Py_ssize_t count) {
  return with_arguments<7>(count, [&] { return filter_axes(args, false); });
}

template <bool flip, bool mean>
PyObject* axis_entry(PyObject*, PyObject* const* args, Py_ssize_t count) {
  return with_arguments<7>(count, [&] { return filter_axis(args, flip, mean); });
}

template <bool flip>
PyObject* kernel_entry(PyObject*, PyObject* const* args, Py_ssize_t count) {
  return with_arguments<7>(count, [&] { return filter_kernel(args, flip); });
}

PyObject* derivative_entry(PyObject*, PyObject* const* args, Py_ssize_t count) {
  return with_arguments<6>(count, [&] { return derivative(args); });
}

PyMethodDef method(const char* name, PyObject* (*function)(PyObject*, PyObject* const*, Py_ssize_t)) {
  return {name, reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(function)), METH_FASTCALL, nullptr};
}

PyMethodDef methods[] = {
    method("ndimage_correlate", kernel_entry<false>),        method("ndimage_convolve", kernel_entry<true>),
    method("ndimage_correlate1d", axis_entry<false, false>), method("ndimage_convolve1d", axis_entry<true, false>),
    method("ndimage_uniform1d", axis_entry<false, true>),    method("ndimage_axes", axes_entry),
    method("ndimage_derivative", derivative_entry),          {nullptr, nullptr, 0, nullptr}};

}  // namespace

void register_ndimage(PyObject* module) {
  for (Word& w : words) w.interned = checked(PyUnicode_InternFromString(w.text)).release();
  if (PyModule_AddFunctions(module, methods) < 0) throw PythonError();
}

}  // namespace convcorr
