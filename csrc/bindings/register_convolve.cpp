// convcorr._core.convolve and correlate: the hot entry points, as plain vectorcall functions.
#include "bindings/call.h"
#include "bindings/register.h"
#include "bindings/short_call.h"

namespace convcorr {
namespace {

constexpr Arg convolve_order[] = {Arg::x,      Arg::h,      Arg::mode,     Arg::axes,  Arg::boundary, Arg::fill_value,
                                  Arg::method, Arg::stride, Arg::dilation, Arg::dtype, Arg::out,      Arg::threads};
constexpr Arg correlate_order[] = {Arg::x,          Arg::h,      Arg::mode,   Arg::axes,     Arg::boundary,
                                   Arg::fill_value, Arg::method, Arg::stride, Arg::dilation, Arg::lags,
                                   Arg::dtype,      Arg::out,    Arg::threads};

template <Operation operation, bool by_reference>
PyObject* entry(PyObject*, PyObject* const* args, Py_ssize_t count, PyObject* keywords) {
  return guarded([&] {
    constexpr bool convolves = operation == Operation::convolve;
    Arguments arguments{.function = convolves ? "convolve" : "correlate"};
    bind(arguments, convolves ? convolve_order : correlate_order, convolves ? 12 : 13, args, count, keywords);
    if (!by_reference) {
      if (PyObject* y = short_call(operation, arguments)) return y;
    }
    return call(operation, arguments, by_reference).release();
  });
}

template <Operation operation, bool by_reference>
PyMethodDef method(const char* name) {
  const auto function = entry<operation, by_reference>;
  return {name, reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(function)), METH_FASTCALL | METH_KEYWORDS,
          nullptr};
}

PyMethodDef methods[] = {method<Operation::convolve, false>("convolve"),
                         method<Operation::correlate, false>("correlate"),
                         method<Operation::convolve, true>("reference_convolve"),
                         method<Operation::correlate, true>("reference_correlate"),
                         {nullptr, nullptr, 0, nullptr}};

}  // namespace

void register_convolve(PyObject* module) {
  intern_argument_names();
  if (PyModule_AddFunctions(module, methods) < 0) throw PythonError();
}

}  // namespace convcorr
