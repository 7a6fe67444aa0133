// Python objects in C++: owned references, exceptions across the boundary, and the GIL.
#pragma once

#include "bindings/numpy_api.h"
#include "execute/parallel.h"
//
#include <string>
#include <utility>

namespace convcorr {

// A Python exception that is set already.
struct PythonError {};

// An owned reference, or none.
class Ref {
 public:
  Ref() = default;
  explicit Ref(PyObject* owned) : object_(owned) {}
  Ref(Ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  Ref& operator=(Ref&& other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~Ref() { Py_XDECREF(object_); }

  PyObject* get() const { return object_; }
  PyArrayObject* array() const { return reinterpret_cast<PyArrayObject*>(object_); }
  PyObject* release() { return std::exchange(object_, nullptr); }
  explicit operator bool() const { return object_ != nullptr; }

 private:
  PyObject* object_ = nullptr;
};

// Takes a new reference from a C API call, or throws what it set.
inline Ref checked(PyObject* owned) {
  if (!owned) throw PythonError();
  return Ref(owned);
}

inline Ref borrowed(PyObject* object) {
  Py_INCREF(object);
  return Ref(object);
}

// Sets an item of a dict, from a new reference that may be missing.
void put(const Ref& dict, const char* key, PyObject* value);

// repr(object), cut to a readable length.
std::string repr(PyObject* object);
std::string type_name(PyObject* object);

// Sets the Python exception that matches the C++ one being handled. Call inside catch (...).
void set_python_error();

// Runs f, which returns a new reference; turns C++ exceptions into Python's.
template <class F>
PyObject* guarded(F f) {
  try {
    return f();
  } catch (...) {
    set_python_error();
    return nullptr;
  }
}

// Lets other Python threads run while it lives. Nothing below may touch a Python object.
class ReleasedGil {
 public:
  ReleasedGil() : state_(PyEval_SaveThread()) {}
  ~ReleasedGil() { PyEval_RestoreThread(state_); }
  ReleasedGil(const ReleasedGil&) = delete;
  ReleasedGil& operator=(const ReleasedGil&) = delete;

  // Takes the GIL for a moment and runs pending signal handlers; true where one raised.
  static bool signal_raised(void* released);
  Interrupt interrupt() { return {signal_raised, this, &due_}; }

 private:
  PyThreadState* state_;
  double due_ = 0;
};

bool on_main_thread();  // the only one where Python runs signal handlers
void remember_main_thread();

}  // namespace convcorr
