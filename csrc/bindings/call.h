// A call of convolve or correlate, from Python objects to the result.
#pragma once

#include "bindings/arguments.h"

namespace convcorr {

enum class Operation : unsigned char { convolve, correlate };

// convert, validate, release the GIL, compute. Returns the result, or `out`.
Ref call(Operation operation, const Arguments& arguments, bool by_reference);

// Computes p over the arrays, without the GIL where it takes longer than giving it away.
void compute(const Problem& p, const Plan& plan, const Arrays& arrays, std::optional<int> threads);

}  // namespace convcorr
