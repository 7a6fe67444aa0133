#include "bindings/python.h"

#include <new>

#include "base/error.h"
#if defined(__unix__) || defined(__APPLE__)
#include <unistd.h>
#endif

namespace convcorr {
namespace {

unsigned long main_thread = 0;
long process = 0;

#if defined(__unix__) || defined(__APPLE__)
long process_number() { return getpid(); }
#else
long process_number() { return 0; }
#endif

}  // namespace

void put(const Ref& dict, const char* key, PyObject* value) {
  const Ref owned = checked(value);
  if (PyDict_SetItemString(dict.get(), key, owned.get()) < 0) throw PythonError();
}

std::string repr(PyObject* object) {
  constexpr std::size_t longest = 60;
  const Ref text(PyObject_Repr(object));
  const char* utf8 = text ? PyUnicode_AsUTF8(text.get()) : nullptr;
  if (!utf8) {
    PyErr_Clear();
    return type_name(object);
  }
  std::string s = utf8;
  for (char& c : s) {
    if (c == '\n') c = ' ';
  }
  if (s.size() <= longest) return s;
  std::size_t end = longest;
  while (end > 0 && (static_cast<unsigned char>(s[end]) & 0xc0) == 0x80) --end;  // not inside a character
  return s.substr(0, end) + "...";
}

std::string type_name(PyObject* object) { return Py_TYPE(object)->tp_name; }

void set_python_error() {
  try {
    throw;
  } catch (const PythonError&) {
  } catch (const Interrupted&) {
  } catch (const ValueError& e) {
    PyErr_SetString(PyExc_ValueError, e.what());
  } catch (const TypeError& e) {
    PyErr_SetString(PyExc_TypeError, e.what());
  } catch (const MemoryError& e) {
    PyErr_SetString(PyExc_MemoryError, e.what());
  } catch (const std::bad_alloc&) {
    PyErr_NoMemory();
  } catch (const std::exception& e) {
    PyErr_SetString(PyExc_RuntimeError, e.what());
  }
}

bool ReleasedGil::signal_raised(void* released) {
  auto* self = static_cast<ReleasedGil*>(released);
  PyEval_RestoreThread(self->state_);
  const int raised = PyErr_CheckSignals();
  self->state_ = PyEval_SaveThread();
  return raised < 0;
}

// In a forked child the thread that forked is the main one.
bool on_main_thread() { return PyThread_get_thread_ident() == main_thread || process != process_number(); }

void remember_main_thread() {
  const Ref threading = checked(PyImport_ImportModule("threading"));
  const Ref thread = checked(PyObject_CallMethod(threading.get(), "main_thread", nullptr));
  const Ref ident = checked(PyObject_GetAttrString(thread.get(), "ident"));
  main_thread = PyLong_AsUnsignedLong(ident.get());
  process = process_number();
  if (PyErr_Occurred()) throw PythonError();
}

}  // namespace convcorr
