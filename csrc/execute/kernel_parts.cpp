#include "execute/kernel_parts.h"

#include <cmath>

#include "base/checked.h"
#include "execute/direct.h"
#include "execute/fft.h"
#include "execute/load.h"
#include "problem/odometer.h"
#include "problem/part.h"

namespace convcorr {
namespace {

// n complex numbers into a row of real and one of imaginary parts. Whether all are finite.
template <class T>
bool split_row(const char* from, index_t n, T sign, char* re_, char* im_) {
  const T* z = reinterpret_cast<const T*>(from);
  T *re = reinterpret_cast<T*>(re_), *im = reinterpret_cast<T*>(im_);
  bool finite = true;
  for (index_t i = 0; i < n; ++i) {
    re[i] = z[2 * i];
    im[i] = sign * z[2 * i + 1];
    finite = finite && std::isfinite(re[i]) && std::isfinite(im[i]);
  }
  return finite;
}

}  // namespace

KernelParts::KernelParts(const Problem& p, const char* h) {
  const Problem q = split_kernel(p);
  const int last = p.spatial_count - 1, parts = q.outer_count - 1;
  const index_t n = p.spatial[last].kernel;
  const bool f64 = q.h_type == DType::f64;
  Odometer at;
  for (int a = 0; a < p.outer_count; ++a) at.add_axis(p.outer[a].h_stride == 0 ? 1 : p.outer[a].size);
  for (int a = 0; a < last; ++a) at.add_axis(p.spatial[a].kernel);
  data_.resize(static_cast<std::size_t>(checked_mul(checked_mul(at.count(), n), 2)));
  std::vector<double> row(static_cast<std::size_t>(checked_mul(n, 2)));
  char* const complex_row = reinterpret_cast<char*>(row.data());
  do {
    char* to = reinterpret_cast<char*>(data_.data());
    const char* from = h;
    for (int a = 0; a < p.outer_count; ++a) {
      from += at.at[a] * p.outer[a].h_stride;
      to += at.at[a] * q.outer[a].h_stride;
    }
    for (int a = 0; a < last; ++a) {
      from += at.at[p.outer_count + a] * p.spatial[a].h_stride;
      to += at.at[p.outer_count + a] * q.spatial[a].h_stride;
    }
    load_elements(p.h_type, p.h_swapped, f64 ? Compute::c128 : Compute::c64, from, p.spatial[last].h_stride, n,
                  complex_row);
    char* const im = to + q.outer[parts].h_stride;
    const int sign = p.conjugate ? -1 : 1;
    const bool finite = f64 ? split_row<double>(complex_row, n, sign, to, im)
                            : split_row<float>(complex_row, n, static_cast<float>(sign), to, im);
    finite_ = finite_ && finite;
  } while (at.next());
}

void run_fft_by_parts(const Problem& p, const FftPlan& f, const Arrays& arrays, const Run& run) {
  const KernelParts parts(p, arrays.h);
  if (parts.finite()) return run_fft(split_kernel(p), f, {arrays.x, parts.data(), arrays.y}, run);
  DirectPlan direct;
  make_direct_plan(p, direct);
  run_direct(p, direct, arrays, run);
}

}  // namespace convcorr
