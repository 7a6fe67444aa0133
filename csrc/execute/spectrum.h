// Spectra of kernels, in the order that the transforms leave them in.
//
// A tile's outputs are y[n] = sum_t x[n + t dilation] w[t], so tap t stands at -t dilation in the block: those before 0
// wrap to its end, negated on a folded axis. The transforms' 1/N is in the taps.
#pragma once

#include "execute/parallel.h"
#include "plan/fft_plan.h"

namespace convcorr {

struct TapsSummary {
  bool finite = true;
  double largest = 0;  // magnitude of a real or imaginary part
};

// The kernel at h as [taps of axis 0][taps of axis 1]... in the compute type, flipped and conjugated: `count` taps from
// `first` on, to their place in `taps`.
TapsSummary load_taps(const Problem& p, const FftPlan& f, const char* h, index_t first, index_t count, void* taps);

// 1 where transforms of such taps neither overflow nor go denormal, else the power of two that makes the largest 1.
double taps_scale(const FftPlan& f, double largest);

// Places taps * scale in the rows of a tile, and transforms them. `spectrum` takes f.spectrum_bytes.
void make_spectrum(const FftPlan& f, const void* taps, double scale, void* spectrum);

// Scalars of taps in the compute type.
TapsSummary sum_up_taps(const FftPlan& f, const void* taps, index_t scalars);

// A row of taps as it stands at the block's end, tap 0 last: of its samples 0 .. span of the lane axis those
// [first, first + count), to `out`. `row` is the row of h, in h's own order.
TapsSummary turn_taps(const Problem& p, const FftPlan& f, const char* row, index_t first, index_t count, void* out);

// What a transform there and back multiplies by.
double transform_gain(const FftPlan& f);

}  // namespace convcorr
