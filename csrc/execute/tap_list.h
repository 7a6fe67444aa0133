// Taps one by one, each with the line that it reads: for sums whose order is fixed (Problem::summation).
#pragma once

#include <vector>

#include "kernels/table.h"
#include "plan/direct_plan.h"

namespace convcorr {

class TapList {
 public:
  // The taps at h, in the order of p's summation; of settled sums as doubles.
  TapList(const Problem& p, const DirectPlan& d, const char* h);

  // The m sums from output `first` on of output row `row` of a block, whose lines `planes` points to: see RowsBlock.
  // `pointers` has room for as many as p has taps.
  void sum_row(const void* const* const* planes, int row, const index_t* columns, const void** pointers, void* y,
               index_t m, index_t first = 0) const;

 private:
  struct Tap {
    index_t plane, row, column;
  };

  void add_tap(const Problem& p, index_t number);
  bool add_weight(const Problem& p, const char* h, index_t number);  // whether it isn't zero
  void add_pairs(const Problem& p, const char* h, index_t count);

  const DirectPlan& d_;
  const Compute weight_;  // the type of weights and sums
  Terms terms_ = Terms::single;
  std::vector<Tap> taps_;
  std::vector<char> weights_;
};

}  // namespace convcorr
