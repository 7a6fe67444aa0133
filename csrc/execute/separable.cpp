#include "execute/separable.h"

#include <algorithm>
#include <complex>
#include <cstdint>
#include <cstdlib>

#include "base/buffer.h"
#include "base/checked.h"
#include "execute/direct.h"
#include "execute/fused.h"
#include "execute/like_x.h"
#include "problem/element.h"
#include "problem/part.h"

namespace convcorr {
namespace {

// A slab stays in the last cache between two filters.
constexpr index_t slab_bytes = 2 << 20;

// p with nothing but its filter along `axis`: on the other axes x's samples stay as they are.
Problem one_axis(const Problem& p, int axis) {
  Problem q = p;
  for (int a = 0; a < q.spatial_count; ++a) {
    SpatialAxis& s = q.spatial[a];
    if (a == axis) continue;
    const SpatialAxis plain = plain_axis(s.in, 1, s.in);
    const index_t x_stride = s.x_stride;
    s = plain;
    s.x_stride = x_stride;
  }
  return q;
}

template <class Sum>
Sum sum_of(const Problem& p, const char* taps, index_t count) {
  Sum sum{};
  for (index_t t = 0; t < count; ++t) sum += read_element<Sum>(taps + t * itemsize(p.h_type), p.h_type, false);
  return sum;
}

// What the filter with these taps makes of a constant border: beyond the ends of the other axes all samples are its
// fill.
Complex160 filtered_fill(const Problem& p, const char* taps, index_t count) {
  if (is_integer(p.h_type)) {  // modulo 2^bits, as its type holds it
    char wrapped[8] = {};
    const auto fill = p.fill.re < 0 ? static_cast<std::uint64_t>(static_cast<std::int64_t>(p.fill.re))
                                    : static_cast<std::uint64_t>(p.fill.re);
    write_element(wrapped, p.h_type, fill * sum_of<std::uint64_t>(p, taps, count), Narrowing::wrap);
    return {read_element<long double>(wrapped, p.h_type, false), 0};
  }
  const auto sum = sum_of<std::complex<long double>>(p, taps, count);
  const std::complex<long double> fill(p.fill.re, p.fill.im), made = fill * (p.conjugate ? std::conj(sum) : sum);
  return {made.real(), made.imag()};
}

// p after its filter along `axis`: x is what that left.
void drop_axis(Problem& p, int axis) {
  SpatialAxis& s = p.spatial[axis];
  const index_t y_stride = s.y_stride;
  s = plain_axis(s.out, 1, s.out);
  s.y_stride = y_stride;
}

class Separable {
 public:
  Separable(const Factors& factors, const Run& run) : factors_(factors), run_(run), poll_(run) {}

  // Filters along axes[i] and all after it.
  void filter(const Problem& p, const std::vector<int>& axes, std::size_t i, const Arrays& arrays) {
    if (i + 1 == axes.size()) return filter_one(p, axes[i], arrays);
    if (i + 2 == axes.size() && filter_two(p, axes[i], axes[i + 1], arrays)) return;
    filter_slabs(p, axes, i, arrays);
  }

 private:
  void filter_one(Problem p, int axis, Arrays arrays) {
    p.spatial[axis].h_stride = itemsize(p.h_type);
    arrays.h = factors_.of(axis);
    sum(p, arrays);
  }

  void sum(const Problem& p, const Arrays& arrays) {
    DirectPlan plan;
    make_direct_plan(p, plan);
    Run timed = run_;
    timed.seconds = plan.seconds;
    run_direct(p, plan, arrays, timed);
  }

  bool filter_two(const Problem& p, int first, int second, const Arrays& arrays) {
    const index_t size = itemsize(p.h_type);
    const FusedProblem f = {.p = p,
                            .first = first,
                            .second = second,
                            .along_first = {factors_.of(first), size},
                            .along_second = {factors_.of(second), size},
                            .between = DType::f64};
    FusedPlan plan;
    return make_fused_plan(f, plan) && run_fused(plan, arrays.x, arrays.y, run_);
  }

  // Outputs along axes[i] are cut into slabs: the first filter makes one of them, the others read it.
  void filter_slabs(const Problem& p, const std::vector<int>& axes, std::size_t i, const Arrays& arrays) {
    const int axis = axes[i];
    Problem first = one_axis(p, axis), rest = p;
    first.y_type = rest.x_type = p.sum_type;
    first.spatial[axis].h_stride = itemsize(p.h_type);
    rest.x_swapped = false;
    drop_axis(rest, axis);
    if (!fill_is_zero(p)) rest.fill = filtered_fill(p, factors_.of(axis), p.spatial[axis].kernel);
    const index_t each = lay_out(first, rest, axis, 1), out = p.spatial[axis].out;
    const index_t thickness = std::clamp<index_t>(slab_bytes / each, 1, out);
    const index_t bytes = lay_out(first, rest, axis, thickness);
    Scratch scratch(Scratch::padded(bytes), index_t(1) << 20);
    char* slab = scratch.take<char>(bytes);
    for (index_t n = 0; n < out; n += thickness) {
      poll_.stop_if_asked();
      const index_t count = std::min(thickness, out - n);
      Problem part = first, after = rest;
      Arrays at = {arrays.x, factors_.of(axis), slab};
      keep_outputs(part, at, axis, n, count);
      at.y = slab;
      sum(part, at);
      after.spatial[axis].in = after.spatial[axis].out = count;
      filter(after, axes, i + 1, {slab, nullptr, arrays.y + n * rest.spatial[axis].y_stride});
    }
  }

  // The strides of a slab in C order, as first's result and as rest's data. Returns its bytes.
  static index_t lay_out(Problem& first, Problem& rest, int axis, index_t thickness) {
    index_t stride = itemsize(first.y_type);
    for (int a = first.spatial_count - 1; a >= 0; --a) {
      first.spatial[a].y_stride = rest.spatial[a].x_stride = stride;
      stride = checked_mul(stride, a == axis ? thickness : first.spatial[a].out);
    }
    for (int a = first.outer_count - 1; a >= 0; --a) {
      first.outer[a].y_stride = rest.outer[a].x_stride = stride;
      stride = checked_mul(stride, first.outer[a].size);
    }
    return stride;
  }

  const Factors& factors_;
  const Run& run_;
  Poll poll_;
};

}  // namespace

void run_separable(const Problem& p, const Factors& factors, const Arrays& arrays, const Run& run) {
  Problem q = p;
  q.h_type = p.sum_type;
  q.h_swapped = false;
  std::vector<int> axes = factors.axes;  // the one whose samples lie closest comes last
  std::stable_sort(axes.begin(), axes.end(),
                   [&](int a, int b) { return std::abs(p.spatial[a].x_stride) > std::abs(p.spatial[b].x_stride); });
  if (!is_unlike_x(q)) return Separable(factors, run).filter(q, axes, 0, arrays);
  const index_t bytes = lay_out_like_x(q);
  std::vector<char> y(static_cast<std::size_t>(bytes));
  Separable(factors, run).filter(q, axes, 0, {arrays.x, nullptr, y.data()});
  copy_outputs(q, y.data(), p, arrays.y);
}

}  // namespace convcorr
