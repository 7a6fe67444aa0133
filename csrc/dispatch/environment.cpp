#include "dispatch/environment.h"

#include <cstdlib>

namespace convcorr {
namespace {

const char* read(const char* name) {
  const char* value = std::getenv(name);
  return value && *value ? value : nullptr;
}

}  // namespace

const char* forced_isa() { return read("CONVCORR_ISA"); }

bool environment_sets_threads() {
  static const bool set = read("OMP_NUM_THREADS") != nullptr;
  return set;
}

}  // namespace convcorr
