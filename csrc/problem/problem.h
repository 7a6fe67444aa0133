// What is to be computed: one plain struct for every convolution and correlation in this house.
//
//   y[b, g, o, n] = sum over i, t of  x[b, g, i, position(n, t)] * h[g, o, i, t]
//   position(n, t) = n * stride + t * dilation + offset        on each spatial axis
//
// n runs over outputs, t over taps. A position that in_dilation leaves between two samples, or that a `constant` border
// with a zero fill puts outside x, contributes nothing; any other position outside x reads what the border says. `flip`
// takes h back to front (convolution), `conjugate` takes its conjugate (correlation).
//
// Roles other than the spatial ones are told by what an axis strides through:
//   batch      x, y      (h stride 0)        group        x, h, y
//   out_channel   h, y   (x stride 0)        in_channel   x, h    (summed: y stride 0)
// A 1-D signal is a Problem with one spatial axis. A batch, a filter bank, a grouped layer, a transposed layer and both
// gradients are Problems too, with roles exchanged.
#pragma once

#include "base/dtype.h"
#include "base/types.h"

namespace convcorr {

constexpr int max_spatial = 16;
constexpr int max_outer = 64;

struct SpatialAxis {
  index_t in, kernel, out;  // samples of x, taps of h, outputs; all at least 1
  index_t stride, dilation;
  index_t in_dilation;  // samples stand at multiples of this; zeros between
  index_t offset;       // position of tap 0 for output 0
  Border border;
  index_t x_stride, h_stride, y_stride;  // bytes
};

// An axis that steps by 1 from position 0, with strides to be set. (Members have no initialisers: a Problem holds many
// axes that nobody uses, and small calls would pay for them.)
constexpr SpatialAxis plain_axis(index_t in, index_t kernel, index_t out) {
  return {in, kernel, out, 1, 1, 1, 0, Border::constant, 0, 0, 0};
}

enum class Role : unsigned char { batch, group, out_channel, in_channel };

struct OuterAxis {
  Role role;
  index_t size;
  index_t x_stride, h_stride, y_stride;  // bytes
};

// What becomes of a sum that the output's type can't hold.
enum class Narrowing : unsigned char {
  wrap,      // integers keep their low bits
  truncate,  // floating sums lose their fraction, then all but the low bits (scipy.ndimage's rule)
  saturate,  // rounded to nearest even, then clamped (OpenCV's rule)
};

// The order in which an output's products are summed. All but `fast` fix every bit of a real floating sum: products and
// sums are rounded one by one, and the zeros of a constant border count as samples.
enum class Summation : unsigned char {
  fast,           // the kernels' own
  in_order,       // the first tap to the last; taps that are zero see nothing
  last_first,     // the last tap, then the first to the last but one; of one axis
  symmetric,      // the middle tap, then pairs of samples from the ends inwards: (x[-j] + x[j]) h[-j]; of one odd axis
  antisymmetric,  // likewise (x[-j] - x[j]) h[-j]
};

struct Complex160 {
  long double re, im;
};

struct Problem {
  int spatial_count = 0, outer_count = 0;
  SpatialAxis spatial[max_spatial];
  OuterAxis outer[max_outer];

  DType x_type, h_type, y_type;
  DType sum_type;                             // products and sums are taken in this type
  bool x_swapped = false, h_swapped = false;  // byte order is not the machine's
  Narrowing narrowing = Narrowing::wrap;
  Summation summation = Summation::fast;
  double divisor = 1;  // of the sums, where they are real and floating
  // Where it isn't 0: results lose their fraction, and a sum's absolute products add up to no more than this. Then sums
  // may be taken in any order, in sum_type, wherever that leaves no doubt of what double in the order of `summation`
  // makes; and whole sums may be divided by any rule that makes the same whole part.
  double bound = 0;

  bool flip = false, conjugate = false;
  Complex160 fill = {0, 0};
};

// Where a Problem's arrays are: element [0, 0, ...] of each.
struct Arrays {
  const char* x;
  const char* h;
  char* y;
  const char* bias = nullptr;  // added to the sums: one element of y's type for each (group, out_channel), in C order
};

inline bool fill_is_zero(const Problem& p) { return p.fill.re == 0 && p.fill.im == 0; }

// Throws ValueError for a Problem that makes no sense, MemoryError where a size overflows.
void validate(const Problem& p);

// Outputs, and products summed for each, as doubles: they only steer.
double output_count(const Problem& p);
double tap_count(const Problem& p);

}  // namespace convcorr
