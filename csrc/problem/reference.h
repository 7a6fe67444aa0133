// Any Problem at all, computed slowly and obviously right. Every fast path is checked against it, and what no fast path
// takes (long double, dilated inputs) is computed by it.
#pragma once

#include "problem/odometer.h"
#include "problem/problem.h"

namespace convcorr {

// The outputs of p, counted: outer axes (in_channel left out) in their order, then spatial axes.
Odometer outputs_of(const Problem& p);

// Whether to give up: asked at every output, and now and then in the middle of one.
struct GiveUp {
  bool (*asked)(void* state) = nullptr;
  void* state = nullptr;
};

// Computes `count` outputs from number `first` on.
void reference(const Problem& p, const Arrays& arrays, index_t first, index_t count, const GiveUp& give_up);

}  // namespace convcorr
