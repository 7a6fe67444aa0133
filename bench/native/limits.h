// What the machine could do at best: multiply-adds per second under the ISA in use, and bytes copied per second
// wherever they lie.
#pragma once

#include "base/types.h"

namespace convcorr::bench {

double now();  // [s]

// Sizes of the data caches: of one core, but L3, which cores share [bytes].
struct Caches {
  index_t l1, l2, l3;
};
const Caches& caches();

// Multiply-adds per second of a compute type's scalars that this thread reaches now. It takes some 10 us: clocks change
// from one millisecond to the next, so that a limit must be taken beside what it limits.
double peak_now(Compute c);

// The best of peak_now() over some milliseconds.
double peak(Compute c);

// What `threads` threads reach together over one alone: less than their number where they share a core.
double peak_gain(int threads);

// Bytes read plus bytes written per second while `threads` threads copy within areas of `bytes` in all. Measured once
// for each size and number of threads.
double copy_speed(index_t bytes, int threads);

// A size that stands for main memory: far more than the caches where that stays affordable [bytes].
index_t main_memory_bytes();

}  // namespace convcorr::bench
