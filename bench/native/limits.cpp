#include "limits.h"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <barrier>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "data.h"
#include "dispatch/registry.h"
#include "peaks.h"

// CONVCORR_ISAS is the build's list: X(name) for each.
#define X(isa)                         \
  namespace convcorr::isa {            \
  extern const bench::PeakTable peaks; \
  }
CONVCORR_ISAS
#undef X

namespace convcorr::bench {
namespace {

const PeakTable& find_table() {
  const std::string_view isa = kernels().isa;
#define X(name) \
  if (isa == #name) return name::peaks;
  CONVCORR_ISAS
#undef X
  std::abort();  // the list is the registry's own
}

const PeakTable& table() {
  static const PeakTable& found = find_table();
  return found;
}

using Part = std::function<void(int thread)>;

// The shortest time in which all threads do their part, begun together again and again for `budget` seconds.
double shortest_together(int threads, double budget, const Part& part) {
  constexpr int least_rounds = 5;
  std::barrier<> gate(threads);
  bool done = false;  // written by the caller between two gates
  const auto follow = [&](int thread) {
    for (;;) {
      gate.arrive_and_wait();
      if (done) return;
      part(thread);
      gate.arrive_and_wait();
    }
  };
  std::vector<std::jthread> team;
  for (int t = 1; t < threads; ++t) team.emplace_back(follow, t);
  double best = std::numeric_limits<double>::infinity();
  const double begin = now();
  for (int round = 0; round < least_rounds || now() - begin < budget; ++round) {
    gate.arrive_and_wait();
    const double start = now();
    part(0);
    gate.arrive_and_wait();
    best = std::min(best, now() - start);
  }
  done = true;
  gate.arrive_and_wait();
  return best;
}

constexpr index_t least_copy = 4096;  // bytes, below which calls count more than copies

double measure_copy(index_t bytes, int threads) {
  constexpr index_t round_bytes = 8 << 20;  // enough for threads to begin and end together
  constexpr double budget = 20e-3;
  const index_t half = std::max(bytes, least_copy) / threads / 2 / 256 * 256;  // whole registers, four by four
  const index_t repeats = std::max<index_t>(1, round_bytes / threads / (2 * half));
  std::vector<std::unique_ptr<Area>> from, to;
  for (int t = 0; t < threads; ++t) {
    from.push_back(std::make_unique<Area>(half));
    to.push_back(std::make_unique<Area>(half, middle_of_page));
  }
  const auto best_of = [&](auto copy) {
    return shortest_together(threads, budget, [&](int t) {
      for (index_t i = 0; i < repeats; ++i) copy(from[t]->data(), to[t]->data());
    });
  };
  const double by_registers = best_of([half](const char* x, char* y) { table().copy(x, y, half); });
  const double by_library = best_of([half](const char* x, char* y) {
    std::memcpy(y, x, static_cast<std::size_t>(half));
    benchmark::ClobberMemory();
  });
  return static_cast<double>(2 * half * repeats * threads) / std::min(by_registers, by_library);
}

Caches find_caches() {
  Caches found = {32 << 10, 1 << 20, 32 << 20};
  for (const auto& cache : benchmark::CPUInfo::Get().caches) {
    if (cache.type == "Instruction") continue;
    if (cache.level == 1) found.l1 = cache.size;
    if (cache.level == 2) found.l2 = cache.size;
    if (cache.level == 3) found.l3 = cache.size;
  }
  return found;
}

}  // namespace

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

const Caches& caches() {
  static const Caches found = find_caches();
  return found;
}

double peak_now(Compute c) {
  constexpr index_t rounds = 2000;  // of some 5 cycles
  constexpr int windows = 2;
  const int i = static_cast<int>(c);
  double best = std::numeric_limits<double>::infinity();
  for (int w = 0; w < windows; ++w) {
    const double start = now();
    table().multiply_add[i](rounds);
    best = std::min(best, now() - start);
  }
  return static_cast<double>(rounds * table().products[i]) / best;
}

double peak(Compute c) {
  double best = 0;
  for (const double begin = now(); now() - begin < 20e-3;) best = std::max(best, peak_now(c));
  return best;
}

double peak_gain(int threads) {
  static std::map<int, double> known = {{1, 1.0}};
  const auto [place, is_new] = known.try_emplace(threads);
  if (is_new) {
    constexpr index_t rounds = 100'000;
    constexpr double budget = 50e-3;
    const auto part = [](int) { table().multiply_add[static_cast<int>(Compute::f32)](rounds); };
    const double alone = shortest_together(1, budget, part);
    place->second = threads * alone / shortest_together(threads, budget, part);
  }
  return place->second;
}

double copy_speed(index_t bytes, int threads) {
  static std::map<std::pair<index_t, int>, double> known;
  const auto [place, is_new] = known.try_emplace({bytes, threads});
  if (is_new) place->second = measure_copy(bytes, threads);
  return place->second;
}

index_t main_memory_bytes() {
  constexpr index_t affordable = 256 << 20;
  return std::min(4 * caches().l3, affordable);
}

}  // namespace convcorr::bench
