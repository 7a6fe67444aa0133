#include "measure.h"

#include <algorithm>
#include <limits>

#include "limits.h"

namespace convcorr::bench {
namespace {

// How many calls a clock can time, and a peer's time slice seldom interrupts.
index_t calls_per_batch(const Repeat& repeat) {
  constexpr double least = 40e-6;
  for (index_t calls = 1;; calls *= 2) {
    const double start = now();
    repeat(calls);
    if (now() - start >= least) return calls;
  }
}

}  // namespace

void measure(benchmark::State& state, const Work& work, const Repeat& repeat) {
  const double copy = copy_speed(work.bytes, work.threads), gain = peak_gain(work.threads);
  const index_t calls = calls_per_batch(repeat);
  double shortest = std::numeric_limits<double>::infinity(), peak = 0;
  while (state.KeepRunningBatch(calls)) {
    const double start = now();
    repeat(calls);
    const double took = now() - start;
    state.SetIterationTime(took);
    shortest = std::min(shortest, took / static_cast<double>(calls));
    if (work.products > 0) peak = std::max(peak, peak_now(work.compute));
  }
  const double bytes = static_cast<double>(work.bytes);
  const double limit = std::max(work.products > 0 ? work.products / (peak * gain) : 0, bytes / copy);
  state.counters["GFLOP/s"] = 2 * work.products / shortest * 1e-9;
  state.counters["GB/s"] = bytes / shortest * 1e-9;
  state.counters["share%"] = 100 * limit / shortest;
}

Place in_l1() { return {"L1", caches().l1 / 2}; }
Place in_l2() { return {"L2", caches().l2 / 2}; }

}  // namespace convcorr::bench
