// The kernels of a call, loaded and transformed: what all tiles share.
#pragma once

#include "execute/parallel.h"
#include "execute/tile.h"

namespace convcorr {

// Kernels of groups [first, first + count), each with all its filters. The memory is the caller's.
class Spectra {
 public:
  Spectra(const FftPlan& f, index_t most_groups, char* memory);
  static index_t bytes(const FftPlan& f, index_t groups);

  // Loads the taps. False where some aren't finite.
  bool load(const Problem& p, const char* h, index_t first, index_t count, const Run& run);

  // The power of two that the spectra should carry.
  double scale() const;
  void transform(const Problem& p, double scale, const Run& run);

  const KernelView* of_group(index_t i) const { return views_ + i * f_.filters; }  // i: from the first loaded

 private:
  const FftPlan& f_;
  const index_t taps_bytes_, spectrum_bytes_;
  char *taps_, *spectra_;
  KernelView* views_;
  index_t count_ = 0;
};

// Byte offset of combination `number` of some outer axes, by one of their strides.
index_t offset_of(const OuterAxis* axes, int count, index_t number, index_t OuterAxis::* stride);

}  // namespace convcorr
