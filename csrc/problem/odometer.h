// Counting through a box of indices in C order, the last axis fastest.
#pragma once

#include "base/types.h"
#include "problem/problem.h"

namespace convcorr {

struct Odometer {
  static constexpr int max_axes = max_spatial + max_outer;
  int axes = 0;
  index_t size[max_axes];
  index_t at[max_axes];

  void add_axis(index_t n) {
    size[axes] = n;
    at[axes++] = 0;
  }

  index_t count() const {
    index_t n = 1;
    for (int a = 0; a < axes; ++a) n *= size[a];
    return n;
  }

  void seek(index_t flat) {
    for (int a = axes - 1; a >= 0; --a) {
      at[a] = flat % size[a];
      flat /= size[a];
    }
  }

  // Steps on; returns false after the last one, back at the first.
  bool next() {
    for (int a = axes - 1; a >= 0; --a) {
      if (++at[a] < size[a]) return true;
      at[a] = 0;
    }
    return false;
  }
};

}  // namespace convcorr
