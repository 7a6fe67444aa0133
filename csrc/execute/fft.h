// The FFT engine: a Problem by overlap-save, tile by tile.
#pragma once

#include "execute/parallel.h"
#include "plan/fft_plan.h"

namespace convcorr {

void run_fft(const Problem& p, const FftPlan& f, const Arrays& arrays, const Run& run);

}  // namespace convcorr
