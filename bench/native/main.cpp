// The kernels and the engine against the limits of this machine, without Python. See README.md.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "data.h"
#include "dispatch/registry.h"
#include "limits.h"
#include "measure.h"

namespace convcorr::bench {
namespace {

std::string in_giga(double rate, const char* unit) {
  char text[64];
  std::snprintf(text, sizeof text, "%.1f G%s", rate * 1e-9, unit);
  return text;
}

void add_peak(Compute c) {
  benchmark::AddCustomContext(std::string("peak ") + name_of(c), in_giga(2 * peak(c), "FLOP/s"));
}

void add_copy(const char* name, index_t bytes) {
  const std::string size = bytes >= 1 << 20 ? std::to_string(bytes >> 20) + " MB" : std::to_string(bytes >> 10) + " KB";
  benchmark::AddCustomContext(std::string("copy ") + name, in_giga(copy_speed(bytes, 1), "B/s") + " in " + size);
}

// Says under which ISA, and up to which limits, on one thread.
void add_context() {
  benchmark::AddCustomContext("isa", kernels().taps->isa());
  for (Compute c : {Compute::f32, Compute::f64, Compute::u16, Compute::u32}) add_peak(c);
  add_copy("L1", in_l1().bytes);
  add_copy("L2", in_l2().bytes);
  add_copy("L3", std::min(4 * caches().l2, caches().l3 / 2));
  add_copy("memory", main_memory_bytes());
}

int run(int argc, char** argv) {
  std::string min_time = "--benchmark_min_time=0.05", tabular = "--benchmark_counters_tabular=true";
  std::vector<char*> arguments = {argv[0], min_time.data(), tabular.data()};  // defaults: those given come later
  arguments.insert(arguments.end(), argv + 1, argv + argc);
  int count = static_cast<int>(arguments.size());
  arguments.push_back(nullptr);
  benchmark::Initialize(&count, arguments.data());
  if (benchmark::ReportUnrecognizedArguments(count, arguments.data())) return 1;
  add_context();
  register_taps();
  register_rows();
  register_convert();
  register_fft();
  register_engine();
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}

}  // namespace
}  // namespace convcorr::bench

int main(int argc, char** argv) {
  try {
    return convcorr::bench::run(argc, argv);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 1;
  }
}
