// The extension convcorr._core: a table of contents.
#include <pybind11/pybind11.h>

#define CONVCORR_IMPORTS_NUMPY
#include "base/error.h"
#include "bindings/register.h"

PYBIND11_MODULE(_core, m, pybind11::mod_gil_not_used()) {
  if (_import_array() < 0) throw pybind11::error_already_set();
  try {
    try {
      convcorr::register_config(m.ptr());
    } catch (const convcorr::ValueError& e) {  // CONVCORR_ISA names what can't be had
      throw pybind11::import_error(e.what());
    }
    convcorr::register_convolve(m.ptr());
    convcorr::register_numpy(m.ptr());
    convcorr::register_ndimage(m.ptr());
    convcorr::register_plan(m.ptr());
    convcorr::register_nn(m.ptr());
    convcorr::register_problem(m.ptr());
  } catch (const convcorr::PythonError&) {
    throw pybind11::error_already_set();
  }
}
