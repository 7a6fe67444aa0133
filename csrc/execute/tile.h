// One tile of the FFT engine: read, looked at by the window guard, convolved, written, and what the guard objects to
// done again.
#pragma once

#include <memory>

#include "execute/parallel.h"
#include "execute/window_guard.h"

namespace convcorr {

// One call of the FFT engine, as all its tiles see it.
struct FftCall {
  const Problem& p;
  const FftPlan& f;
  double taps_scale;  // a power of two that the spectra carry: taps far from 1 would overflow or go denormal
  Run run;            // of what is done again
};

// One kernel of the call.
struct KernelView {
  const void* spectrum;
  const void* taps;  // loaded, unscaled
  const char* h;
  double largest;  // of the taps
};

// Arrays that careful tiles work in, kept from one tile to the next: fresh pages cost as much as a transform.
class CarefulMemory {
 public:
  enum Slot { data, scaled, transformed, results, marks, slots };

  // Room for `count` elements, of which nothing is known.
  template <class T>
  T* take(Slot slot, index_t count) {
    Block& block = block_[slot];
    const auto bytes = static_cast<std::size_t>(count) * sizeof(T);
    if (block.bytes < bytes) block = {std::unique_ptr<char[]>(new char[bytes]), bytes};
    return reinterpret_cast<T*>(block.memory.get());
  }

 private:
  struct Block {
    std::unique_ptr<char[]> memory;
    std::size_t bytes = 0;
  };
  Block block_[slots];
};

class TileJob {
 public:
  TileJob(const FftCall& call, Scratch& scratch);
  static index_t bytes(const FftPlan& f);

  // Computes a tile of the slice at x with each kernel; kernel k's results begin at y + offsets[k].
  void run(const char* x, char* y, const TileExtent& tile, const KernelView* kernels, const index_t* y_offsets);

 private:
  void transform_and_write(const TileExtent& tile, const KernelView* kernels, char* y, const index_t* y_offsets);
  double careful_tiles() const;
  bool redo_cheaply(const Arrays& arrays, const TileExtent& tile, const std::vector<OutputBox>& boxes);

  const FftCall call_;
  const FftPlan& f_;
  const FftFunctions& fft_;
  TileRows rows_;
  WindowGuard guard_;
  void* tile_;
  void* transformed_ = nullptr;  // where several kernels share it
  CarefulMemory careful_;
};

// The outputs of a box as a Problem of their own, without the taps that meet nothing but a zero border: what that would
// take, and doing it. It may be an FFT again, of its own tiles and with its own guard, some times over; then direct
// sums.
double predict_box(const FftCall& call, const Arrays& slice, const TileExtent& tile, const OutputBox& box);
double predict_box_directly(const FftCall& call, const Arrays& slice, const TileExtent& tile, const OutputBox& box);
void compute_box(const FftCall& call, const Arrays& slice, const TileExtent& tile, const OutputBox& box);
void compute_box_directly(const FftCall& call, const Arrays& slice, const TileExtent& tile, const OutputBox& box);

// The whole tile of one kernel, whatever it holds; see careful.cpp. `scratch` takes f.tile_bytes.
void compute_carefully(const FftCall& call, const KernelView& kernel, const Arrays& slice, const TileExtent& tile,
                       const void* const* rows, WindowGuard& guard, void* scratch, CarefulMemory& memory);

}  // namespace convcorr
