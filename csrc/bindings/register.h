// The topics of the module. Each adds its functions.
#pragma once

#include "bindings/python.h"

namespace convcorr {

void register_convolve(PyObject* module);  // convolve, correlate, and their references
void register_numpy(PyObject* module);     // numpy.convolve, numpy.correlate
void register_ndimage(PyObject* module);   // scipy.ndimage's filters
void register_plan(PyObject* module);      // plan, explain
void register_nn(PyObject* module);        // layers, their gradients and plans
void register_config(PyObject* module);    // threads, ISA, caches
void register_problem(PyObject* module);   // any Problem: for tests

}  // namespace convcorr
