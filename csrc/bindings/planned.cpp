#include "bindings/planned.h"

#include <algorithm>

#include "base/error.h"

namespace convcorr {
namespace {

FftBlocks blocks_of(const FftPlan& f) {
  FftBlocks blocks;
  blocks.axes = f.axes;
  for (int a = 0; a < f.axes; ++a) blocks.of[f.order[a]] = f.axis[a].block;
  return blocks;
}

// Whether the two lay their tiles along the same axes, so that what was chosen for one suits the other.
bool same_tiles(const FftPlan& f, const FftPlan& g) {
  return f.axes == g.axes && f.narrow == g.narrow && f.lanes_free == g.lanes_free &&
         std::equal(f.order, f.order + f.axes, g.order) && (!f.lanes_free || f.strip_samples == g.strip_samples);
}

Ref copy_of(const Ref& array) {
  return checked(reinterpret_cast<PyObject*>(PyArray_NewCopy(array.array(), NPY_KEEPORDER)));
}

DType planned_type(const Arguments& a, const Ref& h) {
  if (!a.given(Arg::x_dtype)) return dtype_of(h.array());
  const Ref descr = read_dtype(a[Arg::x_dtype], "x_dtype");
  DType type = DType::f64;
  known_dtype(reinterpret_cast<PyArray_Descr*>(descr.get())->type_num, type);
  return type;
}

}  // namespace

Planned::Planned(const Arguments& a) {
  h_ = copy_of(as_input(a[Arg::h], "h"));
  PyArray_CLEARFLAGS(h_.array(), NPY_ARRAY_WRITEABLE);
  npy_intp shape[max_ndim];
  const int ndim = read_shape(a, shape);
  x_ = stand_in(ndim, shape, planned_type(a, h_), "x_shape");
  read_request(read_operation(a), a, x_.array(), h_.array(), request_);
  tile_ = read_tile(a);
  if (tile_.axes > 0) tile_text_ = repr(a[Arg::tile]);
  pose(request_, x_.array(), h_.array(), 0, posed_);
  if (posed_.is_empty()) throw ValueError("h is empty; a plan takes at least one sample");
  posed_.set_output_strides();
  validate(posed_.problem);
  choose();
  settle(posed_.problem, PyArray_BYTES(h_.array()), plan_);
  Run run = run_of(plan_.seconds, request_.threads);
  const bool polls = on_main_thread();
  ReleasedGil released;  // h_ is this plan's own
  if (polls) run.interrupt = released.interrupt();
  prepared_ = std::make_unique<const Prepared>(posed_.problem, plan_, PyArray_BYTES(h_.array()), run);
}

void Planned::refuse_tile(const std::string& why) const { throw ValueError("tile is " + tile_text_ + why); }

void Planned::choose() {
  const Problem& p = posed_.problem;
  if (tile_.axes > 0) {
    if (request_.method == Method::direct || request_.method == Method::separable) {
      refuse_tile(std::string(" with method '") + word_of(request_.method) + "'; it takes method 'fft' or 'auto'");
    }
    request_.method = Method::fft;
    if (const char* why = refuse_fft(p)) refuse_tile(std::string(", but this call has no FFT: ") + why);
    int axes = 0;
    for (int i = 0; i < p.spatial_count; ++i) {
      const SpatialAxis& s = p.spatial[i];
      if (s.kernel == 1 || axes++ >= tile_.axes) continue;
      const index_t reach = (s.kernel - 1) * s.dilation + 1;
      if (tile_.of[axes - 1] < reach) {
        refuse_tile("; it takes lengths of at least the reach of h, here " + std::to_string(reach));
      }
    }
    if (axes != tile_.axes) {
      refuse_tile("; it takes " + std::to_string(axes) + ": one for each convolved axis with several taps");
    }
  }
  make_plan(p, request_.method, plan_, tile_);
  if (plan_.algorithm == Algorithm::fft) blocks_ = blocks_of(plan_.fft);
  if (tile_.axes > 0 && plan_.algorithm != Algorithm::fft) refuse_tile("; the transforms take longer ones here");
}

// How many axes x has in front of the planned ones.
int Planned::leading_axes(PyArrayObject* x) const {
  const int planned = PyArray_NDIM(x_.array()), lead = PyArray_NDIM(x) - planned;
  const npy_intp* shape = PyArray_DIMS(x_.array());
  if (lead < 0 || !std::equal(shape, shape + planned, PyArray_DIMS(x) + lead)) {
    throw ValueError("x has shape " + shape_text(PyArray_NDIM(x), PyArray_DIMS(x)) + "; this plan takes " +
                     shape_text(planned, shape) + ", or more axes in front of it");
  }
  if (dtype_of(x) != posed_.problem.x_type) {
    throw TypeError("x has dtype " + dtype_text(PyArray_DESCR(x)) + "; this plan takes " +
                    dtype_text(PyArray_DESCR(x_.array())));
  }
  return lead;
}

// The planned algorithm and tiles, for an x of other strides or with more axes. Where other axes are contiguous, tiles
// may have to lie otherwise: then as a call that names this algorithm would have them.
void Planned::plan_for(const Problem& p, Plan& plan) const {
  if (plan_.algorithm != Algorithm::fft) {
    make_plan(p, Method::direct, plan);
    plan.in_halves = plan_.in_halves;
    plan.separates = plan_.separates;
    return;
  }
  make_plan(p, Method::fft, plan, blocks_);
  if (plan.algorithm == Algorithm::fft && same_tiles(plan.fft, plan_.fft)) return;
  plan = {};
  make_plan(p, Method::fft, plan, tile_);
  if (plan.algorithm == Algorithm::fft) return;
  plan = {};
  make_plan(p, Method::fft, plan);
}

Ref Planned::run(PyObject* object, PyObject* out) const {
  Ref x = as_input(object, "x");
  const int lead = leading_axes(x.array());
  npy_intp shape[max_ndim];
  if (lead + posed_.ndim > max_ndim) throw ValueError("x has more than 64 axes, counted with those of h");
  std::copy(PyArray_DIMS(x.array()), PyArray_DIMS(x.array()) + lead, shape);
  std::copy(posed_.shape, posed_.shape + posed_.ndim, shape + lead);
  Ref y = result_array(out, lead + posed_.ndim, shape, request_.type.y);
  if (out) keep_apart(y.array(), x);
  const auto go = [&](const Problem& p, const Plan& plan) {
    const Arrays arrays = {PyArray_BYTES(x.array()), PyArray_BYTES(h_.array()), PyArray_BYTES(y.array())};
    compute(p, plan, arrays, request_.threads, prepared_.get());
  };
  const bool plain = PyArray_IS_C_CONTIGUOUS(x.array()) && !is_swapped(x.array());
  if (lead == 0 && plain && PyArray_IS_C_CONTIGUOUS(y.array())) {
    go(posed_.problem, plan_);
    return y;
  }
  Posed posed;
  pose(request_, x.array(), h_.array(), lead, posed);
  if (posed.is_empty()) return y;
  posed.set_output_strides(y.array());
  validate(posed.problem);
  Plan plan;
  plan_for(posed.problem, plan);
  go(posed.problem, plan);
  return y;
}

void Planned::explain(Plan& plan, std::vector<Candidate>& record) const {
  make_plan(posed_.problem, request_.method, plan, tile_, &record);
  settle(posed_.problem, PyArray_BYTES(h_.array()), plan, &record);
}

}  // namespace convcorr
