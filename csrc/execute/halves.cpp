#include "execute/halves.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "execute/apart.h"
#include "execute/direct.h"
#include "execute/gemm.h"
#include "plan/plan.h"
#include "problem/part.h"

namespace convcorr {
namespace {

template <class T>
void add(T* sum, const T* more, index_t n) {
  for (index_t i = 0; i < n; ++i) sum[i] += more[i];
}

// An axis whose taps are summed: a spatial one, or one of in channels.
struct Summed {
  bool channels = false;
  int axis = 0;
  index_t taps = 1;
};

Summed longest_axis(const Problem& p) {
  Summed longest;
  for (int a = 0; a < p.spatial_count; ++a) {
    if (p.spatial[a].kernel > longest.taps) longest = {false, a, p.spatial[a].kernel};
  }
  for (int a = 0; a < p.outer_count; ++a) {
    const OuterAxis& o = p.outer[a];
    if (o.role == Role::in_channel && o.size > longest.taps) longest = {true, a, o.size};
  }
  return longest;
}

void keep(Problem& p, Arrays& at, const Summed& s, index_t first, index_t count) {
  if (!s.channels) return keep_taps(p, at, s.axis, first, count);
  OuterAxis& o = p.outer[s.axis];
  o.size = count;
  at.x += first * o.x_stride;
  at.h += first * o.h_stride;
}

void sum_one_part(const Problem& p, const Arrays& arrays, bool by_gemm, const Run& run) {
  if (by_gemm) {
    GemmPlan plan;
    make_gemm_plan(p, plan);
    return run_gemm(p, plan, arrays, run);
  }
  DirectPlan plan;
  make_direct_plan(p, plan);
  run_direct(p, plan, arrays, run);
}

// p's outputs are contiguous scalars of T, `n` of them.
template <class T>
void sum_halves(const Problem& p, const Arrays& arrays, index_t n, bool by_gemm, const Run& run, Poll& poll) {
  const Summed longest = longest_axis(p);
  const double taps = tap_count(p), most = by_gemm ? most_gemm_depth : many_taps(p);
  if (taps <= most || longest.taps < 2) {
    poll.stop_if_asked();
    return sum_one_part(p, arrays, by_gemm, run);
  }
  // Some parts at once where they are few, which costs fewer passes over the outputs.
  const double wanted = std::ceil(taps / most);
  const index_t parts = wanted > 16 ? 2 : std::min(static_cast<index_t>(wanted), longest.taps);
  std::vector<T> more(static_cast<std::size_t>(n));
  for (index_t i = 0, first = 0; i < parts; ++i) {
    const index_t end = (i + 1) * longest.taps / parts;
    Problem part = p;
    Arrays at = arrays;
    keep(part, at, longest, first, end - first);
    if (i > 0) at.y = reinterpret_cast<char*>(more.data());
    sum_halves<T>(part, at, n, by_gemm, run, poll);
    if (i > 0) add(reinterpret_cast<T*>(arrays.y), more.data(), n);
    first = end;
  }
}

}  // namespace

void sum_in_halves(const Problem& p, const Arrays& arrays, bool by_gemm, const Run& run) {
  Problem apart = p;
  const index_t bytes = lay_out_sums(apart);
  const bool f64 = p.sum_type == DType::f64 || p.sum_type == DType::c128;
  std::vector<double> sums(static_cast<std::size_t>(bytes / 8 + 1));
  Poll poll(run);
  Arrays to_sums = arrays;
  to_sums.y = reinterpret_cast<char*>(sums.data());
  if (f64) {
    sum_halves<double>(apart, to_sums, bytes / 8, by_gemm, run, poll);
  } else {
    sum_halves<float>(apart, to_sums, bytes / 4, by_gemm, run, poll);
  }
  store_sums(p, to_sums.y, arrays.y);
}

}  // namespace convcorr
