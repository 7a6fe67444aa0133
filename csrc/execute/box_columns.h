// Sums of every k neighbouring lines, at three additions per sample whatever k is.
//
// Windows begin in blocks of k. One that begins at line j of a block is the end of the block from there on, and the
// beginning of the next one up to there:
//
//   lines      | 0 .. j .. k-1 | 0 .. j-1 .. |        ends[j]     sums of j .. k-1, made when the block begins
//   window j        |---------------|                 beginning   of 0 .. j-1 of the next block, one line more each
//   time
//
// Nothing is ever subtracted: what left the window leaves no trace, be it loud or NaN.
#pragma once

#include <cstring>

#include "base/buffer.h"
#include "execute/sums.h"

namespace convcorr {

class BoxColumns {
 public:
  // Rows of `row_bytes`, of which k + 1 are taken from `scratch`.
  BoxColumns(Compute compute, index_t k, index_t row_bytes, Scratch& scratch)
      : sums_(sums_of(compute)), size_(itemsize(compute)), k_(k), row_bytes_(row_bytes) {
    ends_ = scratch.take<char>((k + 1) * row_bytes);
  }

  void start() { at_ = k_; }  // the next window begins a block

  // out = the sum of lines[0 .. k); each call's lines begin one further down.
  void next(const void* const* lines, void* out, index_t m) {
    if (at_ == k_) make_ends(lines, m);
    char* beginning = end(k_);
    const void* newest = lines[k_ - 1];
    if (at_ == 0) {
      copy(end(0), out, m);
    } else if (at_ == 1) {
      copy(newest, beginning, m);
      sums_.add(end(1), newest, out, m);
    } else {
      sums_.add(beginning, newest, beginning, m);
      sums_.add(end(at_), beginning, out, m);
    }
    ++at_;
  }

 private:
  char* end(index_t j) const { return ends_ + j * row_bytes_; }

  void copy(const void* from, void* to, index_t m) const { std::memcpy(to, from, static_cast<std::size_t>(m * size_)); }

  void make_ends(const void* const* lines, index_t m) {
    at_ = 0;
    copy(lines[k_ - 1], end(k_ - 1), m);
    for (index_t j = k_ - 2; j >= 0; --j) sums_.add(lines[j], end(j + 1), end(j), m);
  }

  const SumsFunctions& sums_;
  const index_t size_, k_, row_bytes_;
  index_t at_ = 0;  // the next window's place in its block
  char* ends_;
};

}  // namespace convcorr
