// convcorr._core.plan and explain. All arguments come by position, from _plan.py.
//
// A plan is a capsule that owns a Planned:
//   plan(...) -> capsule     plan_run(capsule, x, out)     plan_info(capsule) -> dict     plan_explain(capsule)
#include <vector>

#include "base/error.h"
#include "bindings/explanation.h"
#include "bindings/planned.h"
#include "bindings/register.h"
#include "bindings/values.h"

namespace convcorr {
namespace {

constexpr const char* capsule_name = "convcorr.plan";

constexpr Arg plan_order[] = {Arg::x_shape,  Arg::h,        Arg::mode,       Arg::op,      Arg::x_dtype,
                              Arg::axes,     Arg::boundary, Arg::fill_value, Arg::method,  Arg::stride,
                              Arg::dilation, Arg::lags,     Arg::dtype,      Arg::threads, Arg::tile};
constexpr Arg explain_order[] = {Arg::x,        Arg::h,          Arg::mode,   Arg::op,     Arg::axes,
                                 Arg::boundary, Arg::fill_value, Arg::method, Arg::stride, Arg::dilation,
                                 Arg::lags,     Arg::dtype,      Arg::out,    Arg::threads};

template <std::size_t N>
void bind_all(Arguments& arguments, const Arg (&order)[N], PyObject* const* args, Py_ssize_t given) {
  bind_all(arguments, order, static_cast<int>(N), args, given);
}

const Planned& planned_of(PyObject* capsule) {
  const void* pointer = PyCapsule_GetPointer(capsule, capsule_name);
  if (!pointer) throw PythonError();
  return *static_cast<const Planned*>(pointer);
}

PyObject* plan(PyObject*, PyObject* const* args, Py_ssize_t count) {
  return guarded([&] {
    Arguments arguments{.function = "plan"};
    bind_all(arguments, plan_order, args, count);
    auto planned = std::make_unique<Planned>(arguments);
    const auto destroy = [](PyObject* capsule) {
      delete static_cast<Planned*>(PyCapsule_GetPointer(capsule, capsule_name));
    };
    Ref capsule = checked(PyCapsule_New(planned.get(), capsule_name, destroy));
    planned.release();
    return capsule.release();
  });
}

PyObject* plan_run(PyObject*, PyObject* const* args, Py_ssize_t count) {
  return guarded([&] {
    if (count != 3) throw TypeError("plan_run takes (plan, x, out)");
    return planned_of(args[0]).run(args[1], args[2] == Py_None ? nullptr : args[2]).release();
  });
}

PyObject* dtype_object(DType t) { return reinterpret_cast<PyObject*>(PyArray_DescrFromType(type_number(t))); }

// Attributes, and the arguments that would make the same plan; these in a form that can't change any more.
PyObject* plan_info(PyObject*, PyObject* capsule) {
  return guarded([&] {
    const Planned& planned = planned_of(capsule);
    const Request& r = planned.request();
    const FftBlocks& tile = planned.tile();
    Ref dict = checked(PyDict_New());
    put(dict, "x_shape", integers(PyArray_NDIM(planned.x()), PyArray_DIMS(planned.x())));
    put(dict, "x_dtype", dtype_object(dtype_of(planned.x())));
    put(dict, "shape", integers(planned.ndim(), planned.shape()));
    put(dict, "dtype", dtype_object(r.type.y));
    put(dict, "algorithm", PyUnicode_FromString(algorithm_name(planned.plan().algorithm)));
    put(dict, "h", Py_NewRef(planned.h()));
    put(dict, "mode", PyUnicode_FromString(word_of(r.mode)));
    put(dict, "op", PyUnicode_FromString(word_of(r.operation)));
    put(dict, "axes", tuple_of(r.count, [&r](Py_ssize_t i) { return PyLong_FromLong(r.axes[i]); }));
    put(dict, "boundary", tuple_of(r.count, [&r](Py_ssize_t i) { return PyUnicode_FromString(word_of(r.border[i])); }));
    put(dict, "method", PyUnicode_FromString(word_of(r.method)));
    put(dict, "stride", integers(r.count, r.stride));
    put(dict, "dilation", integers(r.count, r.dilation));
    put(dict, "lags", r.lags ? Py_BuildValue("(nn)", r.lags->low, r.lags->high) : Py_NewRef(Py_None));
    put(dict, "threads", r.threads ? PyLong_FromLong(*r.threads) : Py_NewRef(Py_None));
    put(dict, "tile", tile.axes > 0 ? integers(tile.axes, tile.of) : Py_NewRef(Py_None));
    return dict.release();
  });
}

PyObject* plan_explain(PyObject*, PyObject* capsule) {
  return guarded([&] {
    const Planned& planned = planned_of(capsule);
    std::vector<Candidate> record;
    Plan plan;
    planned.explain(plan, record);
    return explanation(plan, record, planned.request().threads);
  });
}

PyObject* explain(PyObject*, PyObject* const* args, Py_ssize_t count) {
  return guarded([&] {
    Arguments a{.function = "explain"};
    bind_all(a, explain_order, args, count);
    const Ref x = as_input(a[Arg::x], "x"), h = as_input(a[Arg::h], "h");
    Request request;
    read_request(read_operation(a), a, x.array(), h.array(), request);
    Posed posed;
    pose(request, x.array(), h.array(), 0, posed);
    if (a.given(Arg::out)) {
      const Ref y = result_array(a[Arg::out], posed.ndim, posed.shape, request.type.y);
      posed.set_output_strides(y.array());
    } else {
      posed.set_output_strides();
    }
    std::vector<Candidate> record;
    Plan plan;
    if (posed.is_empty()) return checked(Py_BuildValue("(sdi[])", "none", 0.0, 1)).release();
    validate(posed.problem);
    make_plan(posed.problem, request.method, plan, {}, &record);
    settle(posed.problem, PyArray_BYTES(h.array()), plan, &record);
    return explanation(plan, record, request.threads);
  });
}

PyCFunction fast(PyObject* (*function)(PyObject*, PyObject* const*, Py_ssize_t)) {
  return reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(function));
}

PyMethodDef methods[] = {
    {"plan", fast(plan), METH_FASTCALL, nullptr},       {"plan_run", fast(plan_run), METH_FASTCALL, nullptr},
    {"plan_info", plan_info, METH_O, nullptr},          {"plan_explain", plan_explain, METH_O, nullptr},
    {"explain", fast(explain), METH_FASTCALL, nullptr}, {nullptr, nullptr, 0, nullptr}};

}  // namespace

void register_plan(PyObject* module) {
  if (PyModule_AddFunctions(module, methods) < 0) throw PythonError();
}

}  // namespace convcorr
