#include "bindings/call.h"

#include <algorithm>

#include "base/checked.h"
#include "base/error.h"
#include "bindings/arrays.h"
#include "execute/execute.h"
#include "execute/threads.h"

namespace convcorr {
namespace {

constexpr index_t farthest_lag = index_t(1) << 62;

// x and h with their axes lined up from the right, as NumPy broadcasts.
struct Common {
  PyArrayObject *x, *h;
  int ndim;

  index_t size(PyArrayObject* a, int axis) const {
    const int own = axis - ndim + PyArray_NDIM(a);
    return own < 0 ? 1 : PyArray_DIM(a, own);
  }
  index_t stride(PyArrayObject* a, int axis) const {  // 0 where the axis repeats
    const int own = axis - ndim + PyArray_NDIM(a);
    return own < 0 || PyArray_DIM(a, own) == 1 ? 0 : PyArray_STRIDE(a, own);
  }
};

// How the convolved axes run, in the order of the common axes.
struct Sliding {
  int count = 0;
  int axes[max_ndim];
  index_t stride[max_ndim], dilation[max_ndim];
  Border border[max_ndim];
};

Common line_up(PyArrayObject* x, PyArrayObject* h, const Arguments& a) {
  const int nx = PyArray_NDIM(x), nh = PyArray_NDIM(h);
  if (!a.given(Arg::axes) && nx != nh) {
    throw ValueError("x has " + std::to_string(nx) + " axes and h has " + std::to_string(nh) +
                     "; without axes, both need the same number");
  }
  if (std::max(nx, nh) > max_ndim) throw ValueError("x or h has more than 64 axes");
  return {x, h, std::max(nx, nh)};
}

Sliding read_sliding(const Arguments& a, int ndim) {
  Sliding s;
  if (a.given(Arg::axes)) {
    s.count = read_axes(a, ndim, s.axes);
  } else {
    s.count = ndim;
    for (int i = 0; i < ndim; ++i) s.axes[i] = i;
  }
  read_borders(a, s.count, s.border);
  read_steps(a, Arg::stride, s.count, s.stride);
  read_steps(a, Arg::dilation, s.count, s.dilation);
  return s;
}

std::string on_axis(int axis) { return " on axis " + std::to_string(axis); }

// Length and offset of one axis's outputs.
void place_outputs(SpatialAxis& a, Mode mode, std::optional<Lags> lags, int axis) {
  if (a.kernel == 1) a.dilation = 1;  // no second tap to be far from
  constexpr const char* reach = "the reach of h with this dilation";
  const index_t extent = checked_add(checked_mul(a.kernel - 1, a.dilation, reach), 1, reach);
  index_t length = 0;
  if (lags) {
    a.offset = lags->low;
    if (lags->low < -farthest_lag || lags->high > farthest_lag) throw MemoryError("lags reach too far");
    constexpr const char* count = "the number of lags";
    length = checked_add(checked_add(lags->high, -lags->low, count), 1, count);
  } else if (mode == Mode::full) {
    a.offset = 1 - extent;
    length = checked_add(a.in, extent - 1, "the length of the full result");
  } else if (mode == Mode::same) {
    a.offset = 1 - extent + (extent - 1) / 2;
    length = a.in;
  } else {
    a.offset = 0;
    length = a.in - extent + 1;
    if (length < 1) {
      throw ValueError("h, with " + std::to_string(extent) + " samples" + on_axis(axis) + ", is larger than x, with " +
                       std::to_string(a.in) + "; mode 'valid' takes an h that fits into x");
    }
  }
  a.out = ceil_div(length, a.stride);
}

void add_spatial(Problem& p, const Common& c, const Sliding& s, int i, Mode mode, std::optional<Lags> lags) {
  const int axis = s.axes[i];
  SpatialAxis a = plain_axis(c.size(c.x, axis), c.size(c.h, axis), 0);
  if (a.in == 0 || a.kernel == 0) {
    throw ValueError(std::string(a.in == 0 ? "x" : "h") + " is empty" + on_axis(axis) +
                     "; it takes at least one sample there");
  }
  a.stride = s.stride[i];
  a.dilation = s.dilation[i];
  a.border = s.border[i];
  a.x_stride = c.stride(c.x, axis);
  a.h_stride = c.stride(c.h, axis);
  place_outputs(a, mode, lags, axis);
  if (p.spatial_count == max_spatial) throw ValueError("axes names more than 16 axes");
  p.spatial[p.spatial_count++] = a;
}

// An axis that is not convolved. Returns its length in the result.
index_t add_outer(Problem& p, const Common& c, int axis) {
  const index_t nx = c.size(c.x, axis), nh = c.size(c.h, axis);
  if (nx != nh && nx != 1 && nh != 1) {
    throw ValueError("x has " + std::to_string(nx) + " and h has " + std::to_string(nh) + " elements" + on_axis(axis) +
                     ", which axes does not name; there they need to be equal, or one of them 1");
  }
  const index_t n = nx == 1 ? nh : nx;
  const Role role = nh == 1 ? Role::batch : nx == 1 ? Role::out_channel : Role::group;
  p.outer[p.outer_count++] = {role, n, c.stride(c.x, axis), c.stride(c.h, axis), 0};
  return n;
}

// Fills in the Problem's axes, and the result's shape; each common axis remembers where it went.
struct Layout {
  npy_intp shape[max_ndim];
  SpatialAxis* spatial[max_ndim] = {};
  OuterAxis* outer[max_ndim] = {};
};

void lay_out(Problem& p, const Common& c, const Sliding& s, Mode mode, std::optional<Lags> lags, Layout& layout) {
  for (int axis = 0; axis < c.ndim; ++axis) {
    int i = 0;
    while (i < s.count && s.axes[i] != axis) ++i;
    if (i < s.count) {
      add_spatial(p, c, s, i, mode, lags);
      layout.spatial[axis] = &p.spatial[p.spatial_count - 1];
      layout.shape[axis] = layout.spatial[axis]->out;
    } else {
      layout.shape[axis] = add_outer(p, c, axis);
      layout.outer[axis] = &p.outer[p.outer_count - 1];
    }
  }
}

void set_output_strides(const Layout& layout, PyArrayObject* y) {
  for (int axis = 0; axis < PyArray_NDIM(y); ++axis) {
    const index_t stride = PyArray_STRIDE(y, axis);
    if (layout.spatial[axis]) layout.spatial[axis]->y_stride = stride;
    if (layout.outer[axis]) layout.outer[axis]->y_stride = stride;
  }
}

bool is_empty(PyArrayObject* y) { return PyArray_SIZE(y) == 0; }

// Inputs that share memory with the result are copied: no input is ever changed, and none is read after it was written.
Ref apart_from(PyArrayObject* y, Ref input) {
  if (!overlap(y, input.array())) return input;
  return checked(reinterpret_cast<PyObject*>(PyArray_NewCopy(input.array(), NPY_KEEPORDER)));
}

}  // namespace

void compute(const Problem& p, const Plan& plan, const Arrays& arrays, std::optional<int> threads) {
  constexpr double worth_releasing = 5e-6;  // giving the GIL away and back costs 40 ns, and up to 5 ms to get it
  Run run;
  if (plan.seconds >= least_parallel_seconds) {
    run.explicit_threads = threads.has_value();
    run.threads = threads ? grant_threads(*threads) : get_num_threads();
  }
  if (plan.seconds < worth_releasing) return execute(p, plan, arrays, run);
  const bool polls = on_main_thread();
  ReleasedGil released;  // from here on only memory that the caller's references keep alive is touched
  if (polls) run.interrupt = {ReleasedGil::signal_raised, &released};
  execute(p, plan, arrays, run);
}

Ref call(Operation operation, const Arguments& a, bool by_reference) {
  Ref x = as_input(a[Arg::x], "x"), h = as_input(a[Arg::h], "h");
  const Mode mode = read_mode(a);
  const Method method = read_method(a);
  const Common common = line_up(x.array(), h.array(), a);
  const Sliding sliding = read_sliding(a, common.ndim);
  const std::optional<Lags> lags = read_lags(a);
  if (lags && (sliding.count != 1 || mode != Mode::full)) {
    throw ValueError(
        "lags is given with mode other than 'full' or more than one convolved axis; it takes exactly one axis, "
        "and no mode");
  }
  const std::optional<int> threads = read_threads(a);
  const ResultType type = result_type(x.array(), h.array(), a[Arg::dtype]);

  const Complex160 fill = read_fill(a, type.y);  // the last that may run the caller's code: no shape was read before

  Problem p;
  p.fill = fill;
  Layout layout;
  lay_out(p, common, sliding, mode, lags, layout);
  p.x_type = dtype_of(x.array());
  p.h_type = dtype_of(h.array());
  p.x_swapped = is_swapped(x.array());
  p.h_swapped = is_swapped(h.array());
  p.y_type = type.y;
  p.sum_type = type.sum;
  p.flip = operation == Operation::convolve;
  p.conjugate = operation == Operation::correlate && is_complex(type.sum);

  Ref y;
  if (a.given(Arg::out)) {
    check_out(a[Arg::out], common.ndim, layout.shape, type.y);
    y = borrowed(a[Arg::out]);
  } else {
    y = new_result(common.ndim, layout.shape, type.y);
  }
  if (is_empty(y.array())) return y;
  set_output_strides(layout, y.array());
  if (a.given(Arg::out)) {
    // Copies of the inputs may have other strides: take them anew.
    Ref x2 = apart_from(y.array(), borrowed(x.get())), h2 = apart_from(y.array(), borrowed(h.get()));
    if (x2.get() != x.get() || h2.get() != h.get()) {
      Arguments again = a;
      again.of[static_cast<int>(Arg::x)] = x2.get();
      again.of[static_cast<int>(Arg::h)] = h2.get();
      return call(operation, again, by_reference);
    }
  }
  validate(p);
  Plan plan;
  make_plan(p, by_reference ? Method::reference : method, plan);
  const auto data = [](const Ref& r) { return static_cast<char*>(PyArray_DATA(r.array())); };
  compute(p, plan, {data(x), data(h), data(y)}, threads);
  return y;
}

}  // namespace convcorr
