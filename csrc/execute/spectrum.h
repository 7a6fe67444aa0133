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

// The same rows, not yet transformed, for tiles that threads share. `rows` takes f.rows pointers, `data` the samples.
void place_taps(const FftPlan& f, const void* taps, double scale, char* data, const void** rows);
index_t placed_bytes(const FftPlan& f);  // of `data`
// Of a single row: samples [first, first + count), by themselves.
void place_taps_part(const FftPlan& f, const void* taps, index_t first, index_t count, char* row);

}  // namespace convcorr
