// How many threads a call uses.
#pragma once

#include <optional>
#include <string>

namespace convcorr {

// The CPU bandwidth, in CPUs, that the control group of this process may use: the least of cgroup v2's cpu.max, or v1's
// cfs quota, from `path` up to the root that is mounted at `root`. Nothing where there is no limit.
std::optional<double> cpu_quota(const std::string& root, const std::string& path);

// What a call from this thread uses: the thread's own limit, else the process's setting, else what the machine grants
// (affinity, quota) or OMP_NUM_THREADS says; never more than threadpoolctl left to OpenMP.
int get_num_threads();

void set_num_threads(int n);  // the process's setting; 0 takes it back

int swap_thread_limit(int n);  // the calling thread's own; 0 is none. Returns the one before.

// n threads were asked for by name: granted, but for what threadpoolctl forbids.
int grant_threads(int n);

void remember_openmp_default();  // call once, at load

}  // namespace convcorr
