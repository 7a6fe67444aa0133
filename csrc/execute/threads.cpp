#include "execute/threads.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <fstream>
#include <sstream>

#include "dispatch/environment.h"
#include "execute/parallel.h"
#if defined(__linux__)
#include <sched.h>
#endif

namespace convcorr {
namespace {

std::atomic<int> process_setting{0};
thread_local int thread_setting = 0;
std::atomic<int> openmp_at_load{0};

std::optional<double> read_ratio(const std::string& quota_text, const std::string& period_text) {
  std::istringstream quota_in(quota_text), period_in(period_text);
  double quota = 0, period = 0;
  if (!(quota_in >> quota) || !(period_in >> period) || quota <= 0 || period <= 0) return {};  // "max", "-1"
  return quota / period;
}

std::string first_line(const std::string& file) {
  std::ifstream in(file);
  std::string line;
  std::getline(in, line);
  return line;
}

std::optional<double> quota_v2(const std::string& group) {
  std::istringstream fields(first_line(group + "/cpu.max"));
  std::string quota, period;
  fields >> quota >> period;
  return read_ratio(quota, period);
}

std::optional<double> quota_v1(const std::string& group) {
  return read_ratio(first_line(group + "/cpu.cfs_quota_us"), first_line(group + "/cpu.cfs_period_us"));
}

// This process's group under a controller ("" for version 2), as /proc/self/cgroup has it.
std::string own_group(const std::string& controller) {
  std::ifstream in("/proc/self/cgroup");
  for (std::string line; std::getline(in, line);) {
    const auto first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    std::istringstream controllers(line.substr(first + 1, second - first - 1));
    bool ours = controller.empty() && first + 1 == second;
    for (std::string name; std::getline(controllers, name, ',');) ours = ours || name == controller;
    if (ours) return line.substr(second + 1);
  }
  return "";
}

int granted_by_machine() {
#if defined(__linux__)
  cpu_set_t set;
  int n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : openmp_processors();
#else
  int n = openmp_processors();
#endif
  static const std::optional<double> quota = [] {
    const auto v2 = cpu_quota("/sys/fs/cgroup", own_group(""));
    return v2 ? v2 : cpu_quota("/sys/fs/cgroup", own_group("cpu"));
  }();
  if (quota) n = std::min(n, static_cast<int>(std::ceil(*quota)));
  return std::max(n, 1);
}

}  // namespace

std::optional<double> cpu_quota(const std::string& root, const std::string& path) {
  const bool v2 = std::ifstream(root + "/cgroup.controllers").good();
  const std::string base = v2 ? root : root + "/cpu";
  std::optional<double> least;
  for (std::string group = path;; group.erase(group.find_last_of('/'))) {
    const auto here = v2 ? quota_v2(base + group) : quota_v1(base + group);
    if (here && (!least || *here < *least)) least = here;
    if (group.find_last_of('/') == std::string::npos) return least;
  }
}

int get_num_threads() {
  const int at_load = openmp_at_load.load(std::memory_order_relaxed);
  const int openmp = openmp_threads();
  const int setting = process_setting.load(std::memory_order_relaxed);
  int n;
  if (thread_setting) {
    n = thread_setting;
  } else if (setting) {
    n = setting;
  } else if (environment_sets_threads()) {
    n = at_load;
  } else {
    n = granted_by_machine();
  }
  return openmp != at_load ? std::min(n, openmp) : std::min(n, std::max(64, 2 * openmp_processors()));
}

void set_num_threads(int n) { process_setting.store(n, std::memory_order_relaxed); }

int swap_thread_limit(int n) {
  const int before = thread_setting;
  thread_setting = n;
  return before;
}

int grant_threads(int n) {
  const int openmp = openmp_threads();
  // More threads than that gain nothing, and a machine that can't start them all ends the process.
  n = std::min(n, std::max(64, 2 * openmp_processors()));
  return openmp < openmp_at_load.load(std::memory_order_relaxed) ? std::min(n, openmp) : n;
}

void remember_openmp_default() { openmp_at_load.store(openmp_threads(), std::memory_order_relaxed); }

}  // namespace convcorr
