// The shape of an FFT plan's tiles: what each block length would cost, and the cheapest.
#pragma once

#include "plan/fft_plan.h"

namespace convcorr {

constexpr index_t least_shared_bytes = 128 << 10;  // of a tile that is alone

// Fills in block, outputs and tiles of every axis, and the strips. False where no allowed length fits.
bool choose_blocks(FftPlan& f, const FftBlocks& forced, std::vector<Candidate>* record);

// A block's energy over a window's, up to which the window's output keeps the promise. Measured over noise, spikes,
// tones, steps, ramps and random walks: what the rest of a block leaves in an output is at most
// 0.31 u log2(N) |block| |h|, what its own window leaves 4.5 u |window| |h|.
double energy_ratio(const FftPlan& f);

// The least energy of so many samples of noise of unit variance that a tile should meet.
double least_noise_energy(double samples);

// Predicted time of one tile with all its filters, and of one kernel's spectrum, on one thread.
double fft_tile_seconds(const FftPlan& f);
double fft_spectrum_seconds(const FftPlan& f);
double fft_seconds(const FftPlan& f);  // of all: f.tiles is known

}  // namespace convcorr
