#include "bindings/arrays.h"

#include <cstdint>
#include <string>

#include "base/checked.h"
#include "base/error.h"
#if defined(__unix__) || defined(__APPLE__)
#include <unistd.h>
#endif

namespace convcorr {
namespace {

constexpr int type_numbers[dtype_count] = {
    NPY_BOOL,   NPY_INT8, NPY_UINT8, NPY_INT16,  NPY_UINT16,     NPY_INT32,  NPY_UINT32,  NPY_INT64,
    NPY_UINT64, NPY_HALF, NPY_FLOAT, NPY_DOUBLE, NPY_LONGDOUBLE, NPY_CFLOAT, NPY_CDOUBLE, NPY_CLONGDOUBLE};

DType signed_of(std::size_t bytes) {
  return bytes == 1 ? DType::i8 : bytes == 2 ? DType::i16 : bytes == 4 ? DType::i32 : DType::i64;
}
DType unsigned_of(std::size_t bytes) {
  return bytes == 1 ? DType::u8 : bytes == 2 ? DType::u16 : bytes == 4 ? DType::u32 : DType::u64;
}

constexpr double largest_array_bytes = 9e18;  // just below 2^63
constexpr const char* supported = "bool, integers, float16 to longdouble, complex64 to clongdouble";

// numpy.ma drops its mask in np.asarray: computing on would be silently wrong.
void refuse_masked(PyObject* object, const char* name) {
  const Ref module(PyImport_ImportModule("numpy.ma"));
  const Ref type = module ? Ref(PyObject_GetAttrString(module.get(), "MaskedArray")) : Ref();
  const int masked = type ? PyObject_IsInstance(object, type.get()) : -1;
  if (masked < 0) throw PythonError();
  if (!masked) return;
  throw TypeError(std::string(name) + " is a numpy.ma.MaskedArray, whose mask would be ignored; pass " + name +
                  ".filled(value), or convolve the data and the mask apart");
}

Ref promoted(PyArray_Descr* a, PyArray_Descr* b) {
  return checked(reinterpret_cast<PyObject*>(PyArray_PromoteTypes(a, b)));
}

PyArray_Descr* descr(const Ref& ref) { return reinterpret_cast<PyArray_Descr*>(ref.get()); }

DType known(PyArray_Descr* d, const char* name) {
  DType t;
  if (!known_dtype(d->type_num, t)) {
    throw TypeError(std::string(name) + " has dtype " + dtype_text(d) + "; it takes " + supported);
  }
  return t;
}

bool is_true_integer(DType t) { return is_integer(t) && t != DType::boolean; }

double physical_bytes() {
#if defined(_SC_PHYS_PAGES)
  static const double bytes = static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGESIZE));
  return bytes > 0 ? bytes : 1e18;
#else
  return 1e18;
#endif
}

struct Span {
  std::uintptr_t low, high;
};

Span span_of(PyArrayObject* a) {
  const auto data = reinterpret_cast<std::uintptr_t>(PyArray_DATA(a));
  Span s = {data, data + static_cast<std::uintptr_t>(PyArray_ITEMSIZE(a))};
  for (int i = 0; i < PyArray_NDIM(a); ++i) {
    if (PyArray_DIM(a, i) == 0) return {data, data};
    const npy_intp reach = (PyArray_DIM(a, i) - 1) * PyArray_STRIDE(a, i);
    (reach < 0 ? s.low : s.high) += static_cast<std::uintptr_t>(reach);
  }
  return s;
}

}  // namespace

std::string dtype_text(PyArray_Descr* descr) {
  const Ref text = checked(PyObject_Str(reinterpret_cast<PyObject*>(descr)));
  const char* utf8 = PyUnicode_AsUTF8(text.get());
  if (!utf8) throw PythonError();
  return utf8;
}

std::string shape_text(int ndim, const npy_intp* shape) {
  std::string s = "(";
  for (int a = 0; a < ndim; ++a) s += (a ? ", " : "") + std::to_string(shape[a]);
  return s + (ndim == 1 ? ",)" : ")");
}

bool known_dtype(int number, DType& out) {
  switch (number) {
    case NPY_BOOL:
      out = DType::boolean;
      return true;
    case NPY_BYTE:
      out = DType::i8;
      return true;
    case NPY_UBYTE:
      out = DType::u8;
      return true;
    case NPY_SHORT:
      out = signed_of(sizeof(short));
      return true;
    case NPY_USHORT:
      out = unsigned_of(sizeof(short));
      return true;
    case NPY_INT:
      out = signed_of(sizeof(int));
      return true;
    case NPY_UINT:
      out = unsigned_of(sizeof(int));
      return true;
    case NPY_LONG:
      out = signed_of(sizeof(long));
      return true;
    case NPY_ULONG:
      out = unsigned_of(sizeof(long));
      return true;
    case NPY_LONGLONG:
      out = DType::i64;
      return true;
    case NPY_ULONGLONG:
      out = DType::u64;
      return true;
    case NPY_HALF:
      out = DType::f16;
      return true;
    case NPY_FLOAT:
      out = DType::f32;
      return true;
    case NPY_DOUBLE:
      out = DType::f64;
      return true;
    case NPY_LONGDOUBLE:
      out = DType::f80;
      return true;
    case NPY_CFLOAT:
      out = DType::c64;
      return true;
    case NPY_CDOUBLE:
      out = DType::c128;
      return true;
    case NPY_CLONGDOUBLE:
      out = DType::c160;
      return true;
    default:
      return false;
  }
}

DType dtype_of(PyArrayObject* array) {
  DType t = DType::f64;
  known_dtype(PyArray_TYPE(array), t);
  return t;
}

int type_number(DType t) { return type_numbers[static_cast<int>(t)]; }

Ref as_input(PyObject* object, const char* name) {
  Ref array;
  if (PyArray_CheckExact(object)) {
    array = borrowed(object);
  } else {
    array = checked(PyArray_FromAny(object, nullptr, 0, 0, 0, nullptr));
    if (!PyArray_CheckExact(array.get())) {
      refuse_masked(array.get(), name);
      array = checked(PyArray_FromAny(array.get(), nullptr, 0, 0, NPY_ARRAY_ENSUREARRAY, nullptr));
    }
  }
  known(PyArray_DESCR(array.array()), name);
  if (PyArray_NDIM(array.array()) == 0) {
    throw ValueError(std::string(name) + " is 0-d (" + repr(object) + "); it takes an array of at least one axis");
  }
  return array;
}

Ref read_dtype(PyObject* dtype, const char* name) {
  PyArray_Descr* d = nullptr;
  if (!PyArray_DescrConverter(dtype, &d)) {
    if (!PyErr_ExceptionMatches(PyExc_TypeError) && !PyErr_ExceptionMatches(PyExc_ValueError)) throw PythonError();
    PyErr_Clear();
    throw TypeError(std::string(name) + " is " + repr(dtype) + "; it takes a dtype: " + supported);
  }
  const Ref owned(reinterpret_cast<PyObject*>(d));
  return checked(reinterpret_cast<PyObject*>(PyArray_DescrFromType(type_numbers[static_cast<int>(known(d, name))])));
}

Ref stand_in(int ndim, const npy_intp* shape, DType type, const char* name) {
  double bytes = static_cast<double>(itemsize(type));
  for (int a = 0; a < ndim; ++a) bytes *= static_cast<double>(shape[a]);
  if (bytes > largest_array_bytes) {
    throw ValueError(std::string(name) + " is " + shape_text(ndim, shape) + "; it takes the shape of an array");
  }
  alignas(64) static char nowhere[64];
  return checked(
      PyArray_New(&PyArray_Type, ndim, shape, type_number(type), nullptr, nowhere, 0, NPY_ARRAY_CARRAY, nullptr));
}

ResultType result_type(PyArrayObject* x, PyArrayObject* h, PyObject* dtype, const char* operands) {
  const bool plain = !dtype || dtype == Py_None;
  if (plain && PyArray_TYPE(x) == PyArray_TYPE(h)) {
    const DType t = dtype_of(x);
    return {t, t == DType::f16 ? DType::f32 : t};
  }
  const Ref natural = promoted(PyArray_DESCR(x), PyArray_DESCR(h));
  const DType own = known(descr(natural), operands);
  if (plain) return {own, own == DType::f16 ? DType::f32 : own};
  const Ref wanted = read_dtype(dtype, "dtype");
  const DType y = known(descr(wanted), "dtype");
  const bool integers = is_true_integer(y) && is_true_integer(own);
  if (!integers && !PyArray_CanCastTypeTo(descr(natural), descr(wanted), NPY_SAME_KIND_CASTING)) {
    throw TypeError("dtype is " + dtype_text(descr(wanted)) + ", but " + operands + " gives " +
                    dtype_text(descr(natural)) + "; it takes one of the same kind or wider");
  }
  if (integers) return {y, itemsize(y) >= itemsize(own) ? y : own};  // the same modulo 2^bits
  const Ref wide = promoted(descr(natural), descr(wanted));
  const DType sum = known(descr(wide), "dtype");
  return {y, sum == DType::f16 ? DType::f32 : sum};
}

Ref new_result(int ndim, const npy_intp* shape, DType type) {
  if (ndim > 1 || shape[0] > 1 << 16) {
    double bytes = static_cast<double>(itemsize(type));
    for (int a = 0; a < ndim; ++a) bytes *= static_cast<double>(shape[a]);
    if (bytes > physical_bytes()) {
      throw MemoryError("the result, of shape " + shape_text(ndim, shape) +
                        ", needs more memory than this machine has");
    }
  }
  return checked(PyArray_SimpleNew(ndim, shape, type_number(type)));
}

void check_out(PyObject* out, int ndim, const npy_intp* shape, DType type) {
  if (!PyArray_Check(out)) throw TypeError("out is of type " + type_name(out) + "; it takes an ndarray");
  if (!PyArray_CheckExact(out)) refuse_masked(out, "out");
  auto* array = reinterpret_cast<PyArrayObject*>(out);
  bool same = PyArray_NDIM(array) == ndim;
  for (int a = 0; same && a < ndim; ++a) same = PyArray_DIM(array, a) == shape[a];
  if (!same) {
    throw ValueError("out has shape " + shape_text(PyArray_NDIM(array), PyArray_DIMS(array)) +
                     "; it takes the result's, " + shape_text(ndim, shape));
  }
  DType t;
  if (!known_dtype(PyArray_TYPE(array), t) || t != type || PyArray_ISBYTESWAPPED(array)) {
    const Ref wanted = checked(reinterpret_cast<PyObject*>(PyArray_DescrFromType(type_number(type))));
    throw ValueError("out has dtype " + dtype_text(PyArray_DESCR(array)) + "; it takes the result's, " +
                     dtype_text(descr(wanted)));
  }
  if (!PyArray_ISWRITEABLE(array)) throw ValueError("out is read-only; it takes a writable array");
}

bool overlap(PyArrayObject* a, PyArrayObject* b) {
  const Span s = span_of(a), t = span_of(b);
  return s.low < t.high && t.low < s.high;
}

}  // namespace convcorr
