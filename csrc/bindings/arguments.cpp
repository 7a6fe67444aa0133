#include "bindings/arguments.h"

#include <cmath>
#include <cstring>

#include "base/error.h"
#include "bindings/values.h"

namespace convcorr {
namespace {

constexpr const char* names[arg_count] = {"x",       "h",      "mode",     "axes",    "boundary", "fill_value",
                                          "method",  "stride", "dilation", "lags",    "dtype",    "out",
                                          "threads", "op",     "x_shape",  "x_dtype", "tile"};
PyObject* interned[arg_count];
PyObject *zero, *one;  // the interpreter has one object for each small int

Word operations[] = {{"convolve", 0}, {"correlate", 1}};
Word modes[] = {{"full", 0}, {"same", 1}, {"valid", 2}};
Word methods[] = {{"auto", 0}, {"direct", 1}, {"fft", 2}, {"separable", 3}};

int find_name(PyObject* name) {
  for (int i = 0; i < arg_count; ++i) {
    if (name == interned[i]) return i;
  }
  for (int i = 0; i < arg_count; ++i) {
    if (PyUnicode_CompareWithASCIIString(name, names[i]) == 0) return i;
  }
  return -1;
}

void require_count(const char* name, PyObject* object, Py_ssize_t got, int count) {
  if (got == count) return;
  wrong_value(name, object, "one value, or a tuple of " + std::to_string(count) + ": one for each convolved axis");
}

}  // namespace

void intern_argument_names() {
  for (int i = 0; i < arg_count; ++i) interned[i] = checked(PyUnicode_InternFromString(names[i])).release();
  zero = checked(PyLong_FromLong(0)).release();
  one = checked(PyLong_FromLong(1)).release();
  intern(operations);
  intern(modes);
  intern(methods);
  intern_borders();
}

void bind(Arguments& arguments, const Arg* order, int count, PyObject* const* args, Py_ssize_t positional,
          PyObject* keywords) {
  const auto function = [&] { return std::string(arguments.function) + "()"; };
  if (positional > count) {
    throw TypeError(function() + " takes at most " + std::to_string(count) + " arguments, not " +
                    std::to_string(positional));
  }
  for (Py_ssize_t i = 0; i < positional; ++i) arguments.of[static_cast<int>(order[i])] = args[i];
  const Py_ssize_t named = keywords ? PyTuple_GET_SIZE(keywords) : 0;
  for (Py_ssize_t i = 0; i < named; ++i) {
    PyObject* name = PyTuple_GET_ITEM(keywords, i);
    const int found = find_name(name);
    bool known = false;
    for (int j = 0; j < count; ++j) known = known || static_cast<int>(order[j]) == found;
    if (!known) throw TypeError(function() + " got an unexpected keyword argument " + repr(name));
    if (arguments.of[found]) throw TypeError(function() + " got multiple values for argument " + repr(name));
    arguments.of[found] = args[positional + i];
  }
  if (!arguments[Arg::x] || !arguments[Arg::h]) throw TypeError(function() + " needs both x and h");
}

void bind_all(Arguments& arguments, const Arg* order, int count, PyObject* const* args, Py_ssize_t given) {
  if (given != count) {
    throw TypeError(std::string(arguments.function) + "() takes " + std::to_string(count) + " arguments, not " +
                    std::to_string(given));
  }
  for (int i = 0; i < count; ++i) arguments.of[static_cast<int>(order[i])] = args[i];
}

bool is_default(const Arguments& a, Arg name) {
  PyObject* object = a[name];
  switch (name) {
    case Arg::boundary:
      return !object || is_constant_border(object);
    case Arg::method:
      return !object || object == methods[0].interned;
    case Arg::fill_value:
      return !object || object == zero;
    case Arg::stride:
    case Arg::dilation:
      return !object || object == one;
    default:
      return !object || object == Py_None;
  }
}

Operation read_operation(const Arguments& a) { return static_cast<Operation>(read_word("op", a[Arg::op], operations)); }

Mode read_mode(const Arguments& a) {
  return a[Arg::mode] ? static_cast<Mode>(read_word("mode", a[Arg::mode], modes)) : Mode::full;
}

Method read_method(const Arguments& a) {
  return a[Arg::method] ? static_cast<Method>(read_word("method", a[Arg::method], methods)) : Method::automatic;
}

int read_axes(const Arguments& a, int ndim, int (&axes)[max_ndim]) {
  PyObject* object = a[Arg::axes];
  const std::string takes =
      "None, an int or a tuple of distinct ints in [" + std::to_string(-ndim) + ", " + std::to_string(ndim) + ")";
  const Ref tuple = is_sequence(object) ? as_tuple(object) : Ref();
  const Py_ssize_t count = tuple ? PyTuple_GET_SIZE(tuple.get()) : 1;
  if (count < 1 || count > ndim) wrong_value("axes", object, takes);
  for (Py_ssize_t i = 0; i < count; ++i) {
    index_t axis = read_integer("axes", tuple ? PyTuple_GET_ITEM(tuple.get(), i) : object, takes.c_str());
    if (axis < -ndim || axis >= ndim) wrong_value("axes", object, takes);
    if (axis < 0) axis += ndim;
    for (Py_ssize_t j = 0; j < i; ++j) {
      if (axes[j] == axis) wrong_value("axes", object, takes);
    }
    axes[i] = static_cast<int>(axis);
  }
  return static_cast<int>(count);
}

void read_borders(const Arguments& a, int count, Border* out) {
  PyObject* object = a[Arg::boundary];
  if (object && is_sequence(object)) {
    const Ref tuple = as_tuple(object);
    require_count("boundary", object, PyTuple_GET_SIZE(tuple.get()), count);
    for (int i = 0; i < count; ++i) {
      out[i] = read_border("boundary", PyTuple_GET_ITEM(tuple.get(), i));
    }
    return;
  }
  const Border all = object ? read_border("boundary", object) : Border::constant;
  for (int i = 0; i < count; ++i) out[i] = all;
}

void read_steps(const Arguments& a, Arg name, int count, index_t* steps) {
  PyObject* object = a[name];
  const char* text = names[static_cast<int>(name)];
  constexpr const char* takes = "an int from 1 to 2**63 - 1, or a tuple of them";
  const Ref tuple = object && is_sequence(object) ? as_tuple(object) : Ref();
  if (tuple) require_count(text, object, PyTuple_GET_SIZE(tuple.get()), count);
  for (int i = 0; i < count; ++i) {
    PyObject* step = tuple ? PyTuple_GET_ITEM(tuple.get(), i) : object;
    steps[i] = step ? read_integer(text, step, takes) : 1;
    if (steps[i] < 1) wrong_value(text, object, takes);
  }
}

std::optional<Lags> read_lags(const Arguments& a) {
  if (!a.given(Arg::lags)) return {};
  PyObject* object = a[Arg::lags];
  constexpr const char* takes = "a pair of ints (lo, hi) with lo <= hi";
  if (!is_sequence(object)) wrong_type("lags", object, takes);
  const Ref tuple = as_tuple(object);
  if (PyTuple_GET_SIZE(tuple.get()) != 2) wrong_value("lags", object, takes);
  const Lags lags = {read_integer("lags", PyTuple_GET_ITEM(tuple.get(), 0), takes),
                     read_integer("lags", PyTuple_GET_ITEM(tuple.get(), 1), takes)};
  if (lags.low > lags.high) wrong_value("lags", object, takes);
  return lags;
}

namespace {

constexpr const char* whole_number = "a whole number that the integer result can hold";

// A fill value among the integers of `bits` bits.
Complex160 read_integer_fill(PyObject* object, DType result) {
  const bool is_signed = result == DType::i8 || result == DType::i16 || result == DType::i32 || result == DType::i64;
  const int bits = result == DType::boolean ? 1 : static_cast<int>(8 * itemsize(result));
  const long double high = std::ldexp(1.0L, is_signed ? bits - 1 : bits), low = is_signed ? -high : 0;  // [low, high)
  long double value = 0;
  if (PyIndex_Check(object)) {
    const Ref index(PyNumber_Index(object));
    if (!index) {
      PyErr_Clear();
      wrong_type("fill_value", object, whole_number);
    }
    int overflow = 0;
    const long long small = PyLong_AsLongLongAndOverflow(index.get(), &overflow);
    const unsigned long long large = overflow > 0 ? PyLong_AsUnsignedLongLong(index.get()) : 0;
    if (overflow < 0 || PyErr_Occurred()) {
      PyErr_Clear();
      wrong_value("fill_value", object, whole_number);
    }
    value = overflow ? static_cast<long double>(large) : static_cast<long double>(small);
  } else {
    const double number = PyUnicode_Check(object) || PyBytes_Check(object) ? -1 : PyFloat_AsDouble(object);
    if (PyErr_Occurred() || PyUnicode_Check(object) || PyBytes_Check(object)) {
      PyErr_Clear();
      wrong_type("fill_value", object, whole_number);
    }
    value = number;
  }
  if (!(value >= low && value < high) || value != std::nearbyint(value))
    wrong_value("fill_value", object, whole_number);
  return {value, 0};
}

}  // namespace

Complex160 read_fill(const Arguments& a, DType result) {
  PyObject* object = a[Arg::fill_value];
  if (!object || object == zero) return {0, 0};
  if (is_integer(result)) return read_integer_fill(object, result);
  const Py_complex value = PyComplex_AsCComplex(object);
  if (PyErr_Occurred()) {
    const bool too_large = PyErr_ExceptionMatches(PyExc_OverflowError);
    PyErr_Clear();
    if (too_large) wrong_value("fill_value", object, "a number that a float can hold");
    wrong_type("fill_value", object, "a number");
  }
  const bool is_complex_number =
      PyComplex_Check(object) || PyArray_IsScalar(object, ComplexFloating) || value.imag != 0;
  if (!is_complex(result) && is_complex_number) {
    wrong_type("fill_value", object, "a real number where the result is real");
  }
  return {value.real, value.imag};
}

std::optional<int> read_threads(const Arguments& a) {
  if (!a.given(Arg::threads)) return {};
  return read_threads(a[Arg::threads]);
}

int read_shape(const Arguments& a, npy_intp (&shape)[max_ndim]) {
  PyObject* object = a[Arg::x_shape];
  constexpr const char* takes = "an int of at least 1, or a tuple of 1 to 64 of them";
  const Ref tuple = is_sequence(object) ? as_tuple(object) : Ref();
  const Py_ssize_t count = tuple ? PyTuple_GET_SIZE(tuple.get()) : 1;
  if (count < 1 || count > max_ndim) wrong_value("x_shape", object, takes);
  for (Py_ssize_t i = 0; i < count; ++i) {
    shape[i] = read_integer("x_shape", tuple ? PyTuple_GET_ITEM(tuple.get(), i) : object, takes);
    if (shape[i] < 1) wrong_value("x_shape", object, takes);
  }
  return static_cast<int>(count);
}

FftBlocks read_tile(const Arguments& a) {
  FftBlocks blocks;
  if (!a.given(Arg::tile)) return blocks;
  PyObject* object = a[Arg::tile];
  constexpr const char* takes = "a power of two, or a tuple of them: one for each convolved axis with several taps";
  const Ref tuple = is_sequence(object) ? as_tuple(object) : Ref();
  const Py_ssize_t count = tuple ? PyTuple_GET_SIZE(tuple.get()) : 1;
  if (count < 1 || count > max_fft_axes) wrong_value("tile", object, takes);
  for (Py_ssize_t i = 0; i < count; ++i) {
    const index_t length = read_integer("tile", tuple ? PyTuple_GET_ITEM(tuple.get(), i) : object, takes);
    if (length < 1 || (length & (length - 1)) != 0) wrong_value("tile", object, takes);
    blocks.of[blocks.axes++] = length;
  }
  return blocks;
}

const char* word_of(Operation operation) { return operations[static_cast<int>(operation)].text; }
const char* word_of(Mode mode) { return modes[static_cast<int>(mode)].text; }
const char* word_of(Method method) { return methods[static_cast<int>(method)].text; }

}  // namespace convcorr
