// A layer by Winograd's convolution.
#pragma once

#include "base/buffer.h"
#include "execute/parallel.h"
#include "plan/winograd_plan.h"

namespace convcorr {

void run_winograd(const Problem& p, const WinogradPlan& w, const Arrays& arrays, const Run& run);

// A layer's taps, transformed once for many calls. Safe to share between threads once made.
class PreparedWinograd {
 public:
  PreparedWinograd(const Problem& p, const WinogradPlan& w, const char* h, const Run& run);

  PreparedWinograd(const PreparedWinograd&) = delete;
  PreparedWinograd& operator=(const PreparedWinograd&) = delete;

  // Whether w's products take taps in this order: x may be another one, of more images or other strides.
  bool serves(const WinogradPlan& w) const;
  void run(const Problem& p, const WinogradPlan& w, const Arrays& arrays, const Run& run) const;

 private:
  WinogradPlan w_;
  Block block_;
  char* taps_;  // in the block, where a cache line begins
  bool finite_;
};
// Channels first or innermost, taps dilated or not; with `prepared` where that serves.
void run_winograd_layer(const Problem& p, const WinogradPlan& w, const Arrays& arrays, const PreparedWinograd* prepared,
                        const Run& run);

}  // namespace convcorr
