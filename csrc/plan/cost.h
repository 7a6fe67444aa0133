// What things cost: constants per ISA and type, measured by bench/calibrate. They only steer.
#pragma once

#include "base/types.h"

namespace convcorr {

// Of direct sums [s].
struct DirectCost {
  double product;  // a tap times a sample
  double byte;     // of data or result
  double row;      // one row of taps over a row of outputs
  double call;
};

// Of transforms [s].
struct FftCost {
  double near_flop, far_flop;  // a real operation: in a tile up to near_bytes, and from far_bytes on
  double byte;                 // of a tile's data: reading, the guard's look at it, writing
  double row;                  // of a row in a tile of several axes
  double tile;
  double tap;  // of a kernel: loading and placing it
  double call;
};
constexpr double near_bytes = 256 << 10, far_bytes = 8 << 20;

constexpr int float_types = 4;  // f32, f64, c64, c128
constexpr int float_index(Compute c) { return static_cast<int>(c) - static_cast<int>(Compute::f32); }

struct IsaCosts {
  const char* isa;
  DirectCost small[float_types];  // of short calls
  DirectCost taps[float_types];   // of the 1-D kernel
  DirectCost rows[float_types];   // of the kernel for several axes
  FftCost fft[float_types];
};

struct CostModel {
  const IsaCosts& isa;
  DirectCost direct(Compute c, bool one_row) const;  // integers too

  // Not calibrated: no machine's choice hangs on them.
  double line_byte = 1 / 15e9;  // converting or copying a line
  double reference_product = 30e-9;
};

const CostModel& cost_model();  // of the ISA in use

}  // namespace convcorr
