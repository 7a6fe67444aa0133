// Spectra of kernels, in the order that the transforms leave them in.
//
// A tile's outputs are y[n] = sum_t x[n + t dilation] w[t], so tap t stands at -t dilation in the block: those before 0
// wrap to its end, negated on a folded axis. The transforms' 1/N is in the taps.
#pragma once

#include "execute/parallel.h"
#include "plan/fft_plan.h"

namespace convcorr {

// The kernel at h as [taps of axis 0][taps of axis 1]... in the compute type, flipped and conjugated.
void load_taps(const Problem& p, const FftPlan& f, const char* h, void* taps);

bool taps_are_finite(const FftPlan& f, const void* taps);
double taps_norm(const FftPlan& f, const void* taps);

// Places taps * scale in the rows of a tile, and transforms them. `spectrum` takes f.spectrum_bytes.
void make_spectrum(const FftPlan& f, const void* taps, double scale, void* spectrum);

// The same rows, not yet transformed, for tiles that threads share. `rows` takes f.rows pointers, `data` the samples.
void place_taps(const FftPlan& f, const void* taps, double scale, char* data, const void** rows);
index_t placed_bytes(const FftPlan& f);  // of `data`

}  // namespace convcorr
