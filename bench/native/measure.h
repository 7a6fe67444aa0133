// Times a call and sets it against the limit of the machine.
#pragma once

#include <benchmark/benchmark.h>

#include <functional>

#include "base/types.h"

namespace convcorr::bench {

// What one call does.
struct Work {
  Compute compute;  // whose multiply-adds it makes
  double products;  // multiply-adds of scalars; 0 for a call that only moves data
  index_t bytes;    // of its inputs and outputs, each counted once
  int threads = 1;
};

// Multiply-adds of scalars in one product of elements.
constexpr double scalar_products(Compute c) { return c >= Compute::c64 ? 4 : 1; }

// Makes the call that many times.
using Repeat = std::function<void(index_t calls)>;

// Reports the mean time of a call, and of the shortest batch of calls: GFLOP/s, GB/s, and share% of the limit
// max(operations / peak, bytes / copy speed where that many bytes lie). Peak and call take turns.
void measure(benchmark::State& state, const Work& work, const Repeat& repeat);

// Where the data of a kernel's benchmark lies, with the bytes that all of it takes there.
struct Place {
  const char* name;
  index_t bytes;
};
Place in_l1();
Place in_l2();

// One register_<topic> for each bench_<topic>.cpp.
void register_taps();
void register_rows();
void register_convert();
void register_fft();
void register_engine();

}  // namespace convcorr::bench
