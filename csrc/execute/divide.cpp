#include "execute/divide.h"

namespace convcorr {
namespace {

template <class T>
void divide(void* row, index_t n, double divisor) {
  T* y = static_cast<T*>(row);
  for (index_t i = 0; i < n; ++i) y[i] /= static_cast<T>(divisor);
}

}  // namespace

void divide_row(Compute compute, void* row, index_t n, double divisor) {
  if (divisor == 1) return;
  (compute == Compute::f32 ? divide<float> : divide<double>)(row, n, divisor);
}

}  // namespace convcorr
