// The FFT engine: a Problem by overlap-save, tile by tile.
#pragma once

#include <cstdlib>
#include <memory>

#include "execute/parallel.h"
#include "plan/fft_plan.h"

namespace convcorr {

class Spectra;

// What makes another Problem's plan take f's blocks.
FftBlocks blocks_of(const FftPlan& f);

void run_fft(const Problem& p, const FftPlan& f, const Arrays& arrays, const Run& run);

// Kernels transformed once, for many calls. Safe to share between threads once made.
class PreparedFft {
 public:
  PreparedFft(const Problem& p, const FftPlan& f, const char* h, const Run& run);
  ~PreparedFft();

  // Whether f's tiles take these spectra: x may be another one, with more batches or other strides.
  bool serves(const FftPlan& f) const;
  // p's kernel lies at arrays.h, as when this was made.
  void run(const Problem& p, const FftPlan& f, const Arrays& arrays, const Run& run) const;

 private:
  struct Free {
    void operator()(char* p) const { std::free(p); }
  };
  const FftPlan f_;
  std::unique_ptr<char, Free> memory_;  // of spectra_; where tiles are shared, a spectrum for each group
  std::unique_ptr<Spectra> spectra_;
  bool finite_ = false;  // of a shared tile: whether all spectra could be made
  double scale_ = 1;
};

}  // namespace convcorr
