// convcorr._core's layers. All arguments come by position, from python/convcorr/_nn_*.py, in LayerArguments' order:
//   nn_layer(...) -> array     nn_explain(...) -> explanation
// and with x's shape in the place of x, and x_dtype after all others:
//   nn_plan(...) -> capsule    nn_run(capsule, x, out)    nn_info(capsule) -> dict    nn_plan_explain(capsule)
#include "base/error.h"
#include "bindings/explanation.h"
#include "bindings/layer_call.h"
#include "bindings/register.h"

namespace convcorr {
namespace {

constexpr const char* capsule_name = "convcorr.nn.plan";

LayerArguments bind(const char* function, PyObject* const* a, Py_ssize_t count, int more = 0) {
  if (count != layer_argument_count + more) {
    throw TypeError(std::string(function) + " takes " + std::to_string(layer_argument_count + more) +
                    " arguments, not " + std::to_string(count));
  }
  return {a[0], a[1],  a[2],  a[3],  a[4],  a[5],  a[6],  a[7],  a[8],
          a[9], a[10], a[11], a[12], a[13], a[14], a[15], a[16], a[17]};
}

const PlannedLayer& planned_of(PyObject* capsule) {
  const void* pointer = PyCapsule_GetPointer(capsule, capsule_name);
  if (!pointer) throw PythonError();
  return *static_cast<const PlannedLayer*>(pointer);
}

PyObject* nn_layer(PyObject*, PyObject* const* args, Py_ssize_t count) {
  return guarded([&] { return run_layer(bind("nn_layer", args, count)).release(); });
}

PyObject* nn_explain(PyObject*, PyObject* const* args, Py_ssize_t count) {
  return guarded([&] { return explain_layer(bind("nn_explain", args, count)); });
}

PyObject* nn_plan(PyObject*, PyObject* const* args, Py_ssize_t count) {
  return guarded([&] {
    const LayerArguments a = bind("nn_plan", args, count, 1);
    auto planned = std::make_unique<PlannedLayer>(a, args[layer_argument_count]);
    const auto destroy = [](PyObject* capsule) {
      delete static_cast<PlannedLayer*>(PyCapsule_GetPointer(capsule, capsule_name));
    };
    Ref capsule = checked(PyCapsule_New(planned.get(), capsule_name, destroy));
    planned.release();
    return capsule.release();
  });
}

PyObject* nn_run(PyObject*, PyObject* const* args, Py_ssize_t count) {
  return guarded([&] {
    if (count != 3) throw TypeError("nn_run takes (plan, x, out)");
    return planned_of(args[0]).run(args[1], args[2] == Py_None ? nullptr : args[2]).release();
  });
}

PyObject* dtype_object(DType t) { return reinterpret_cast<PyObject*>(PyArray_DescrFromType(type_number(t))); }

PyObject* nn_info(PyObject*, PyObject* capsule) {
  return guarded([&] {
    const PlannedLayer& planned = planned_of(capsule);
    const LayerCall& call = planned.call();
    PyArrayObject* x = call.data.array();
    Ref dict = checked(PyDict_New());
    put(dict, "x_shape", integers(PyArray_NDIM(x), PyArray_DIMS(x)));
    put(dict, "x_dtype", dtype_object(dtype_of(x)));
    put(dict, "shape", integers(call.ndim(), call.shape()));
    put(dict, "dtype", dtype_object(call.type.y));
    put(dict, "algorithm", PyUnicode_FromString(algorithm_name(planned.plan().algorithm)));
    put(dict, "w", Py_NewRef(call.kernel.get()));
    put(dict, "bias", Py_NewRef(call.bias ? call.bias.get() : Py_None));
    return dict.release();
  });
}

PyObject* nn_plan_explain(PyObject*, PyObject* capsule) {
  return guarded([&] { return planned_of(capsule).explain(); });
}

PyCFunction fast(PyObject* (*function)(PyObject*, PyObject* const*, Py_ssize_t)) {
  return reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(function));
}

PyMethodDef methods[] = {{"nn_layer", fast(nn_layer), METH_FASTCALL, nullptr},
                         {"nn_explain", fast(nn_explain), METH_FASTCALL, nullptr},
                         {"nn_plan", fast(nn_plan), METH_FASTCALL, nullptr},
                         {"nn_run", fast(nn_run), METH_FASTCALL, nullptr},
                         {"nn_info", nn_info, METH_O, nullptr},
                         {"nn_plan_explain", nn_plan_explain, METH_O, nullptr},
                         {nullptr, nullptr, 0, nullptr}};

}  // namespace

void register_nn(PyObject* module) {
  intern_layer_words();
  if (PyModule_AddFunctions(module, methods) < 0) throw PythonError();
}

}  // namespace convcorr
