// Two filters along two axes at once: a Problem whose kernel is the outer product of one along `first` and one along
// `second`.
//
//   rows of x  ->  lines, with what the second filter reads beyond a strip
//              ->  sums down the columns, a block of rows at a time            first
//              ->  sums along each of these rows, while it is in the cache     second
//              ->  y
//
// What the first filter makes of the border along the second axis is what stands beyond its own sums' ends: every
// border rule reads samples of x, or one value, and columns know nothing of each other.
#pragma once

#include "plan/direct_plan.h"

namespace convcorr {

// The kernel along one axis: taps of the Problem's h_type, `stride` bytes apart.
struct Factor {
  const char* taps;
  index_t stride;
  Summation summation = Summation::fast;
  double divisor = 1;
  double bound = 0;
  bool box = false;  // all taps are 1
};

struct FusedProblem {
  Problem p;  // its kernel's sizes stand on the two axes; neither h's strides nor its summation and divisor are read
  int first, second;  // spatial axes; first -1: none. An axis without taps beside a box serves to lay out the other.
  Factor along_first, along_second;
  bool ordered = false;  // the first filter must be the first
  bool narrows = false;  // its sums are narrowed to the type `between`
  DType between;
  bool refills = false;  // where `second`'s border is constant, its fill stands there whatever first made of it
};

struct FusedPlan {
  Problem first, second;  // second: one line
  DirectPlan rows, line;  // of these
  const char *first_taps, *second_taps;
  bool narrows, refills;
  DType between;
  bool box_rows, box_line;  // sums of equal taps: see BoxColumns, and SumsTable
  bool out_in_place;        // second's sums are stored where they belong
  index_t row_bytes;        // of a row of sums
  index_t job_bytes;        // scratch of one job
  double seconds;           // predicted, on one thread
};

// From how many taps on a box is summed by what neighbouring windows share, at a cost that no longer grows with it.
constexpr index_t wide_box = 8;

// False where the two can't be fused; then they are two Problems.
bool make_fused_plan(const FusedProblem& f, FusedPlan& plan);

}  // namespace convcorr
