// The extension convcorr._core: a table of contents.
#include <pybind11/pybind11.h>

#define CONVCORR_IMPORTS_NUMPY
#include "bindings/register.h"

PYBIND11_MODULE(_core, m, pybind11::mod_gil_not_used()) {
  if (_import_array() < 0) throw pybind11::error_already_set();
  try {
    convcorr::register_config(m.ptr());
    convcorr::register_convolve(m.ptr());
    convcorr::register_numpy(m.ptr());
    convcorr::register_problem(m.ptr());
  } catch (const convcorr::PythonError&) {
    throw pybind11::error_already_set();
  }
}
