#include "execute/halves.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "execute/apart.h"
#include "execute/direct.h"
#include "plan/plan.h"
#include "problem/part.h"

namespace convcorr {
namespace {

template <class T>
void add(T* sum, const T* more, index_t n) {
  for (index_t i = 0; i < n; ++i) sum[i] += more[i];
}

// p's outputs are contiguous scalars of T, `n` of them.
template <class T>
void sum_halves(const Problem& p, const Arrays& arrays, index_t n, const Run& run, Poll& poll) {
  int longest = 0;
  for (int a = 1; a < p.spatial_count; ++a) {
    if (p.spatial[a].kernel > p.spatial[longest].kernel) longest = a;
  }
  const double taps = tap_count(p), most = many_taps(p);
  const index_t kernel = p.spatial[longest].kernel;
  if (taps <= most || kernel < 2) {
    poll.stop_if_asked();
    DirectPlan plan;
    make_direct_plan(p, plan);
    return run_direct(p, plan, arrays, run);
  }
  // Some parts at once where they are few, which costs fewer passes over the outputs.
  const double wanted = std::ceil(taps / most);
  const index_t parts = wanted > 16 ? 2 : std::min(static_cast<index_t>(wanted), kernel);
  std::vector<T> more(static_cast<std::size_t>(n));
  for (index_t i = 0, first = 0; i < parts; ++i) {
    const index_t end = (i + 1) * kernel / parts;
    Problem part = p;
    Arrays at = arrays;
    keep_taps(part, at, longest, first, end - first);
    if (i > 0) at.y = reinterpret_cast<char*>(more.data());
    sum_halves<T>(part, at, n, run, poll);
    if (i > 0) add(reinterpret_cast<T*>(arrays.y), more.data(), n);
    first = end;
  }
}

}  // namespace

void sum_in_halves(const Problem& p, const Arrays& arrays, const Run& run) {
  Problem apart = p;
  const index_t bytes = lay_out_sums(apart);
  const bool f64 = p.sum_type == DType::f64 || p.sum_type == DType::c128;
  std::vector<double> sums(static_cast<std::size_t>(bytes / 8 + 1));
  Poll poll(run);
  Arrays to_sums = arrays;
  to_sums.y = reinterpret_cast<char*>(sums.data());
  if (f64) {
    sum_halves<double>(apart, to_sums, bytes / 8, run, poll);
  } else {
    sum_halves<float>(apart, to_sums, bytes / 4, run, poll);
  }
  store_sums(p, to_sums.y, arrays.y);
}

}  // namespace convcorr
