// What the engine throws. The bindings map these to Python's exceptions of the same names.
#pragma once

#include <stdexcept>

namespace convcorr {

struct ValueError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct TypeError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct MemoryError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// A signal handler raised in the interpreter: the exception is set there already.
struct Interrupted {};

}  // namespace convcorr
