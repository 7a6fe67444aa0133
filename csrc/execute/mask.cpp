#include "execute/mask.h"

#include <algorithm>

namespace convcorr {
namespace {

// A running count of marks over one line, for each residue of the step.
void spread_line(const unsigned char* in, index_t n, index_t stride, index_t taps, index_t step, bool backwards,
                 unsigned char* out) {
  const auto at = [&](index_t i) { return (backwards ? n - 1 - i : i) * stride; };
  for (index_t residue = 0; residue < std::min(step, n); ++residue) {
    index_t count = 0;
    const index_t last = residue + (n - 1 - residue) / step * step, reach = taps * step;
    for (index_t i = last; i >= 0; i -= step) {  // marks at i, i + step, ..., i + (taps - 1) step
      count += in[at(i)];
      if (i + reach < n) count -= in[at(i + reach)];
      out[at(i)] = count > 0;
    }
  }
}

}  // namespace

void spread_marks(const FftPlan& f, int axis, index_t taps, index_t step, bool backwards, Mask& marks) {
  index_t inner = 1, outer = 1;
  for (int a = axis + 1; a < f.axes; ++a) inner *= f.axis[a].block;
  for (int a = 0; a < axis; ++a) outer *= f.axis[a].block;
  const index_t n = f.axis[axis].block;
  const Mask before = marks;
  for (index_t o = 0; o < outer; ++o) {
    for (index_t i = 0; i < inner; ++i) {
      const index_t start = o * n * inner + i;
      spread_line(before.data() + start, n, inner, taps, step, backwards, marks.data() + start);
    }
  }
}

}  // namespace convcorr
