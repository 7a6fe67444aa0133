// How a Problem is computed: the algorithm, the shape of its tiles, and the predicted cost that decided.
//
// A Plan belongs to a Problem, not to its arrays: it may be run again on others of the same shape and strides. It
// depends on nothing but the Problem and the ISA; above all not on the number of threads.
#pragma once

#include <vector>

#include "plan/candidate.h"
#include "plan/direct_plan.h"
#include "plan/fft_plan.h"
#include "plan/gemm_plan.h"
#include "plan/winograd_plan.h"
#include "problem/problem.h"

namespace convcorr {

// What the caller asked for. The last three are of layers; where such a way can't serve, `automatic` chooses.
enum class Method : unsigned char { automatic, direct, fft, separable, reference, im2col, winograd, depthwise };

struct Plan {
  Algorithm algorithm = Algorithm::reference;
  Method method = Method::automatic;  // as asked for
  double seconds = 0;                 // predicted, on one thread
  bool separates = false;             // axis after axis, where the kernel's taps allow it: see settle()
  bool must_separate = false;         // else it is an error
  bool in_halves = false;             // direct sums of many taps, as accurate as `auto` promises: see execute/halves.h
  index_t phases = 1;                 // Algorithm::fft: Problems that dilated taps fall into; `fft` is the first one's
  index_t upsampled = 1;  // Problems that zeros between samples make of this one; `algorithm` is the first one's
  DirectPlan direct;      // for Algorithm::direct
  bool by_parts = false;  // Algorithm::fft: `fft` is that of split_kernel(p)
  FftPlan fft;            // for Algorithm::fft
  GemmPlan gemm;          // for Algorithm::im2col and depthwise
  WinogradPlan winograd;  // for Algorithm::winograd
};

// Whether p's sums are of so many floating products that sums one by one could lose more than that.
bool has_many_taps(const Problem& p);

// Whether the plan's way adds the bias to its sums; else somebody adds it to the results.
bool adds_bias(const Plan& plan);
double many_taps(const Problem& p);

// The one door to the choice of an algorithm. `blocks` of an FFT are the cost model's choice where left empty. Where a
// record is wanted, every candidate looked at goes there, the chosen one marked. Throws MemoryError where the scratch
// could not be had.
void make_plan(const Problem& p, Method method, Plan& plan, const FftBlocks& blocks = {},
               std::vector<Candidate>* record = nullptr);

// Looks at the kernel of a plan that would go axis by axis: it does (Algorithm::separable), or `separates` is taken
// back. Throws ValueError where it must and can't.
void settle(const Problem& p, const char* h, Plan& plan, std::vector<Candidate>* record = nullptr);

// What is thrown then.
[[noreturn]] void refuse_kernel();

}  // namespace convcorr
