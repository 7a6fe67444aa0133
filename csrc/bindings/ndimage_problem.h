// scipy.ndimage's filters as Problems.
//
// What SciPy does and every Problem here repeats: sums are taken in double precision, the data is read and the result
// written in the arrays' own types, and integers lose the fraction of a sum, then its high bits. There a sum that is a
// whole number in theory (a smooth filter over a ramp) may fall on either side of it, so sums that go into integers are
// taken in SciPy's own order, unless they are exact in any. float32 is summed in float32 by few taps that float32
// holds, and by taps of one sign (a smooth filter), which lose no more than a few roundings of the result.
#pragma once

#include "bindings/arrays.h"
#include "bindings/ndimage_sums.h"
#include "plan/fused_plan.h"

namespace convcorr {

// An array of the common shape.
struct View {
  char* data;
  DType type;
  bool swapped;
  const npy_intp* strides;
};

// bool as SciPy reads and writes it between passes: as bytes.
inline DType as_bytes(DType t) { return t == DType::boolean ? DType::u8 : t; }

// One filter along one axis.
struct Pass {
  Kernel kernel;
  int axis;
  index_t origin;
  Border border;
};

// Where tap 0 stands for output 0. A flipped kernel's centre is mirrored with it.
index_t offset_of(const Kernel& kernel, index_t origin);

struct Shape {
  int ndim;
  const npy_intp* of;
};

// Few axes of few elements are posed as a small image, which takes no batches.
bool may_be_small(const Shape& shape);

void pose_pass(const Shape& shape, const View& x, const View& y, const Pass& pass, double fill, Problem& p);

// A mean over many samples, as of two passes of which one does nothing; false where it is an ordinary pass.
bool pose_wide_mean(const Shape& shape, const View& x, const View& y, const Pass& pass, double fill, FusedProblem& f);

// Two passes as one; false where they stay two.
bool pose_passes(const Shape& shape, const View& x, const View& y, const Pass& first, const Pass& second, double fill,
                 FusedProblem& f);

// The taps that such a Problem takes.
const char* taps_at(const Problem& p, const Kernel& kernel);

// A kernel of as many axes as the arrays have.
struct NdKernel {
  const double* taps;  // in C order
  const npy_intp* shape;
  bool flip;
};

// False where more axes have taps than a Problem takes. Taps that are zero see nothing, so that no NaN comes through.
bool pose_kernel(const Shape& shape, const View& x, const View& y, const NdKernel& kernel, const index_t* origins,
                 Border border, double fill, Problem& p);

}  // namespace convcorr
