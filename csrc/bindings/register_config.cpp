// Threads, ISAs and caches. Seldom called: plain positional functions.
#include "base/buffer.h"
#include "base/error.h"
#include "bindings/register.h"
#include "dispatch/cpu.h"
#include "dispatch/registry.h"
#include "execute/parallel.h"
#include "execute/threads.h"
#include "plan/fft_tables.h"

#define CONVCORR_STRING_OF(x) #x
#define CONVCORR_STRING(x) CONVCORR_STRING_OF(x)

namespace convcorr {
namespace {

constexpr long most_threads = 1024;

// A number of threads in [0, 1024]; larger ones are cut: no machine has them.
int read_count(PyObject* object) {
  int overflow = 0;
  const long value = PyLong_AsLongAndOverflow(object, &overflow);
  if (PyErr_Occurred()) throw PythonError();
  if (value < 0 || overflow < 0) throw ValueError("n is " + repr(object) + "; it takes an int of at least 0");
  return static_cast<int>(overflow > 0 || value > most_threads ? most_threads : value);
}

PyObject* py_get_num_threads(PyObject*, PyObject*) {
  return guarded([] { return PyLong_FromLong(get_num_threads()); });
}

PyObject* py_set_num_threads(PyObject*, PyObject* n) {
  return guarded([&] {
    set_num_threads(read_count(n));
    return borrowed(Py_None).release();
  });
}

PyObject* py_thread_limit(PyObject*, PyObject* n) {
  return guarded([&] { return PyLong_FromLong(swap_thread_limit(read_count(n))); });
}

PyObject* py_clear_cache(PyObject*, PyObject*) {
  clear_scratch();
  clear_fft_tables();
  Py_RETURN_NONE;
}

PyObject* py_kernel_isa(PyObject*, PyObject*) { return PyUnicode_FromString(kernels().taps->isa()); }

PyObject* py_cpu_quota(PyObject*, PyObject* root) {
  return guarded([&]() -> PyObject* {
    const char* path = PyUnicode_AsUTF8(root);
    if (!path) throw PythonError();
    const auto quota = cpu_quota(path, "");
    return quota ? PyFloat_FromDouble(*quota) : borrowed(Py_None).release();
  });
}

Ref isa_list(bool only_available) {
  Ref list = checked(PyList_New(0));
  for (const Kernels* k : built_kernels()) {
    if (only_available && !cpu_has_isa(k->isa)) continue;
    const Ref name = checked(PyUnicode_FromString(k->isa));
    if (PyList_Append(list.get(), name.get()) < 0) throw PythonError();
  }
  return list;
}

const char* compiler() {
#if defined(__clang__)
  return "Clang " __clang_version__;
#else
  return "GCC " __VERSION__;
#endif
}

PyObject* py_config(PyObject*, PyObject*) {
  return guarded([&] {
    Ref dict = checked(PyDict_New());
    put(dict, "version", PyUnicode_FromString(CONVCORR_STRING(CONVCORR_VERSION)));
    put(dict, "isa", PyUnicode_FromString(kernels().isa));
    put(dict, "isas_available", isa_list(true).release());
    put(dict, "isas_built", isa_list(false).release());
    put(dict, "threads", PyLong_FromLong(get_num_threads()));
    put(dict, "openmp", PyUnicode_FromString(openmp_name()));
    put(dict, "compiler", PyUnicode_FromString(compiler()));
    const Ref numpy = checked(PyImport_ImportModule("numpy"));
    put(dict, "numpy", PyObject_GetAttrString(numpy.get(), "__version__"));
    return dict.release();
  });
}

PyMethodDef methods[] = {{"get_num_threads", py_get_num_threads, METH_NOARGS, nullptr},
                         {"set_num_threads", py_set_num_threads, METH_O, nullptr},
                         {"thread_limit", py_thread_limit, METH_O, nullptr},
                         {"clear_cache", py_clear_cache, METH_NOARGS, nullptr},
                         {"kernel_isa", py_kernel_isa, METH_NOARGS, nullptr},
                         {"cpu_quota", py_cpu_quota, METH_O, nullptr},
                         {"config", py_config, METH_NOARGS, nullptr},
                         {nullptr, nullptr, 0, nullptr}};

}  // namespace

void register_config(PyObject* module) {
  remember_openmp_default();
  remember_main_thread();
  guard_forks();
  kernels();  // the choice is made now, so that a bad CONVCORR_ISA fails the import
  if (PyModule_AddFunctions(module, methods) < 0) throw PythonError();
}

}  // namespace convcorr
