// What a reused plan keeps of its kernel: packed taps or a spectrum.
#pragma once

#include <memory>
#include <optional>

#include "execute/parallel.h"
#include "plan/plan.h"
#include "problem/factors.h"

namespace convcorr {

class KernelParts;
class OwnWeights;
class PreparedFft;
class PreparedTaps;
class PreparedWinograd;

// Made for one Problem and kernel; serves any x that leads to the same kind of plan. Safe to share between threads.
class Prepared {
 public:
  Prepared(const Problem& p, const Plan& plan, const char* h, const Run& run);
  ~Prepared();

  // As execute() does, but for what is prepared; arrays.h is the kernel that this was made of.
  void execute(const Problem& p, const Plan& plan, const Arrays& arrays, Run run) const;

 private:
  std::unique_ptr<const KernelParts> parts_;  // that fft_ was made of, where the plan goes by parts
  std::unique_ptr<PreparedFft> fft_;
  std::unique_ptr<PreparedTaps> taps_;
  std::unique_ptr<const OwnWeights> weights_;
  std::unique_ptr<PreparedWinograd> winograd_;
  std::optional<Factors> factors_;
};

}  // namespace convcorr
