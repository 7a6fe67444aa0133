#include "execute/gemm.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/buffer.h"
#include "base/checked.h"
#include "execute/execute.h"
#include "execute/gemm_jobs.h"
#include "execute/gemm_weights.h"
#include "execute/image_planes.h"
#include "problem/element.h"
#include "problem/image_planes.h"
#include "problem/odometer.h"

namespace convcorr {
namespace {

constexpr index_t job_bytes = 2 << 20;  // what a job's own scratch takes at most, as a rule

constexpr index_t bias_slack = 256;  // bytes behind the last one that a register may read

// Zeros of a border see no weights, but here they do: it makes a difference where those are infinite, and then sums are
// not finite.
bool pads(const GemmPlan& g) {
  for (int a = 0; a < g.axes; ++a) {
    const SpatialAxis& s = g.axis[a];
    const index_t last = (s.out - 1) * s.stride + (s.kernel - 1) * s.dilation + s.offset;
    if (s.border == Border::constant && (s.offset < 0 || last >= s.in)) return true;
  }
  return false;
}

bool weights_are_finite(const Problem& p, const char* h) {
  Odometer at;
  for (int a = 0; a < p.outer_count; ++a) at.add_axis(p.outer[a].h_stride == 0 ? 1 : p.outer[a].size);
  for (int a = 0; a < p.spatial_count; ++a) at.add_axis(p.spatial[a].kernel);
  do {
    const char* from = h;
    for (int a = 0; a < p.outer_count; ++a) from += at.at[a] * p.outer[a].h_stride;
    for (int a = 0; a < p.spatial_count; ++a) from += at.at[p.outer_count + a] * p.spatial[a].h_stride;
    if (!std::isfinite(read_element<double>(from, p.h_type, p.h_swapped))) return false;
  } while (at.next());
  return true;
}

void run_jobs_with(const Problem& p, const GemmPlan& g, const Arrays& arrays, const Weights& weights, const Run& run) {
  const std::vector<char> bias = read_bias(p, g, arrays.bias);
  const char* const of = bias.empty() ? nullptr : bias.data();
  const auto run_all = g.by_pixels ? run_by_pixels : g.by_planes ? run_by_planes : run_tap_by_tap;
  const bool finite = run_all(p, g, arrays, weights, of, run);
  if (!finite && pads(g) && !weights_are_finite(p, arrays.h)) {
    run_directly(p, arrays, run);
  }
}

constexpr index_t weights_per_job = 1 << 14;

void turn_all(const Problem& p, const GemmPlan& g, const char* h, const Run& run, char* panels) {
  const index_t width = g.width(), size = itemsize(g.compute), of_panels = out_panels(g);
  const index_t per_job = std::clamp<index_t>(weights_per_job / (width * g.taps), 1, g.channels);
  const index_t parts = ceil_div(g.channels, per_job);
  run_jobs(g.groups * of_panels * parts, run, [&](index_t number, Worker&) {
    const index_t channel = number % parts * per_job, group = number / parts / of_panels;
    const OutPanel panel = out_panel(g, number / parts % of_panels);
    const index_t before = panel.first * g.depth + channel * g.taps * panel.vectors * g.lanes;
    turn_weights(p, g, h + group_at(g, group).h, panel, channel, std::min(per_job, g.channels - channel),
                 panels + group * own_weights_bytes(g) + before * size);
  });
}

void load_all(const Problem& p, const GemmPlan& g, const char* h, Run own, char* weights) {
  own.seconds = static_cast<double>(g.groups * g.rows * g.depth) * 1e-9;
  if (g.by_pixels) return turn_all(p, g, h, own, weights);
  const index_t group_bytes = own_weights_bytes(g);
  const index_t rows_per_job = std::max<index_t>(weights_per_job / g.depth, 1);
  const index_t parts = ceil_div(g.rows, rows_per_job);
  run_jobs(g.groups * parts, own, [&](index_t number, Worker&) {
    const index_t group = number / parts, first = number % parts * rows_per_job;
    load_weight_rows(p, g, h + group_at(g, group).h, first, std::min(first + rows_per_job, g.rows),
                     weights + group * group_bytes);
  });
}

// Calls `run_pixels` with samples turned into pixels.
template <class RunPixels>
void run_on_pixels(const Problem& p, const GemmPlan& g, const Arrays& arrays, const Run& run,
                   const RunPixels& run_pixels) {
  const Problem pixels = with_x_as_pixels(p);
  GemmPlan turned = g;
  turned.turns_x = false;
  const index_t bytes = x_planes_bytes(p), spare = job_bytes + checked_mul(g.groups, own_weights_bytes(g));
  Scratch scratch(Scratch::padded(bytes), spare);
  char* const x = scratch.take<char>(bytes);
  turn_to_pixels(p, pixels, arrays.x, x, run);
  run_pixels(pixels, turned, Arrays{x, arrays.h, arrays.y, arrays.bias});
}

}  // namespace

std::vector<char> read_bias(const Problem& p, const GemmPlan& g, const char* bias) {
  std::vector<char> own;
  if (!bias) return own;
  const index_t n = g.groups * g.rows, size = itemsize(g.compute), item = itemsize(p.y_type);
  own.resize(static_cast<std::size_t>(n * size + bias_slack));
  for (index_t i = 0; i < n; ++i) {
    const double b = read_element<double>(bias + i * item, p.y_type, false);
    const auto narrow = static_cast<float>(b);
    std::memcpy(own.data() + i * size, size == 4 ? static_cast<const void*>(&narrow) : &b,
                static_cast<std::size_t>(size));
  }
  return own;
}

void run_directly(const Problem& p, const Arrays& arrays, const Run& run) {
  Plan plan;
  make_plan(p, Method::direct, plan);
  execute(p, plan, arrays, run);
}

GroupAt group_at(const GemmPlan& g, index_t number) {
  GroupAt at;
  for (int a = g.group_axes - 1; a >= 0; --a) {
    const index_t i = number % g.group[a].size;
    number /= g.group[a].size;
    at.x += i * g.group[a].x_stride;
    at.h += i * g.group[a].h_stride;
    at.y += i * g.group[a].y_stride;
  }
  return at;
}

WeightRows::WeightRows(const GemmPlan& g, const Weights& weights, const char* bias, index_t group, index_t first) {
  const index_t size = itemsize(g.compute);
  bias_ = bias ? bias + (group * g.rows + first) * size : nullptr;
  if (weights.own) {
    row_scalars_ = own_weights_row(g);
    h_ = weights.origin + group * own_weights_bytes(g) + first * row_scalars_ * size;
  } else {
    row_scalars_ = g.rows == 1 ? g.depth : g.row.h_stride / size;
    h_ = weights.origin + group_at(g, group).h + first * g.row.h_stride;
  }
}

GemmPanel WeightRows::from(const GemmPlan& g, index_t k) const {
  GemmPanel panel = {};
  panel.a = h_ + k * itemsize(g.compute);
  panel.a_row = row_scalars_;
  panel.bias = bias_;
  panel.adds = k > 0;
  return panel;
}

void run_gemm(const Problem& p, const GemmPlan& g, const Arrays& arrays, const Run& run) {
  if (g.turns_x) {
    return run_on_pixels(p, g, arrays, run, [&](const Problem& pixels, const GemmPlan& turned, const Arrays& own) {
      run_gemm(pixels, turned, own, run);
    });
  }
  // Where a sum isn't finite there, samples that it doesn't see may be why.
  if (g.turned && !arrays.bias && run_turned(p, g, arrays, run)) return;
  const bool as_they_lie = g.by_pixels ? g.few_pixels() : g.weights_in_place;
  if (as_they_lie) return run_jobs_with(p, g, arrays, {arrays.h, false}, run);
  const index_t bytes = checked_mul(g.groups, own_weights_bytes(g));
  Scratch scratch(Scratch::padded(bytes), job_bytes);
  char* const weights = scratch.take<char>(bytes);
  load_all(p, g, arrays.h, run, weights);
  run_jobs_with(p, g, arrays, {weights, true}, run);
}

OwnWeights::OwnWeights(const Problem& p, const GemmPlan& g, const char* h, const Run& run)
    : compute_(g.compute),
      groups_(g.groups),
      rows_(g.rows),
      depth_(g.depth),
      by_pixels_(g.by_pixels),
      weights_(checked_mul(g.groups, own_weights_bytes(g))) {
  load_all(p, g, h, run, weights_.data());
}

bool OwnWeights::serves(const GemmPlan& g) const {
  return g.compute == compute_ && g.groups == groups_ && g.rows == rows_ && g.depth == depth_ &&
         g.by_pixels == by_pixels_;
}

void OwnWeights::run(const Problem& p, const GemmPlan& g, const Arrays& arrays, const Run& run) const {
  if (g.turns_x) {
    return run_on_pixels(p, g, arrays, run, [&](const Problem& pixels, const GemmPlan& turned, const Arrays& own) {
      OwnWeights::run(pixels, turned, own, run);
    });
  }
  if (g.turned && !arrays.bias && run_turned(p, g, arrays, run)) return;
  run_jobs_with(p, g, arrays, {weights_.data(), true}, run);
}

}  // namespace convcorr
