// The kernel of a tile that all threads share: read out of h where it looks like rows of a block, else turned into such
// rows once, and entered into its tile, or a part of that.
#pragma once

#include "base/buffer.h"
#include "execute/parallel.h"
#include "execute/spectrum.h"
#include "plan/fft_plan.h"

namespace convcorr {

class SharedKernel {
 public:
  SharedKernel(const Problem& p, const FftPlan& f, const char* h, Scratch& scratch);
  static index_t bytes(const Problem& p, const FftPlan& f);

  // Reads the taps. False where some aren't finite, or too large or small to be transformed as they are.
  bool read(const Run& run);

  // What `enter` reads for one of the plan's parts.
  FftInput input(index_t part, double scale = 1) const;

 private:
  TapsSummary read_rows(index_t first, index_t end, index_t from, index_t to);

  const Problem& p_;
  const FftPlan& f_;
  const char* const h_;
  const index_t samples_;  // of a row of taps
  const bool in_place_;
  char* turned_;
  const void** rows_;
};

// A part's tile lies where its blocks would lie in a whole one that begins here.
void* part_origin(const FftPlan& f, void* tile, index_t part);

// Strips of the outermost passes.
FftStrip shared_strip(const FftPlan& f, index_t number);

// A whole kernel's spectrum, `scale` times, as the parts would have made it: f.tile_bytes. False as above, where that
// holds of the taps themselves: whoever scales them knows them.
bool make_shared_spectrum(const Problem& p, const FftPlan& f, const char* h, double scale, const Run& run,
                          void* spectrum);

}  // namespace convcorr
