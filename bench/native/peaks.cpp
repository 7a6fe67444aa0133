// The loops behind the limits: nothing but multiply-adds, nothing but loads and stores. Compiled once per ISA.
#include "peaks.h"

#include "simd/vec.h"

namespace convcorr::CONVCORR_ISA {
namespace {

// A multiply-add takes 4 or 5 cycles and two start in each: 10 sums hide that. They leave 16 registers room for the
// factors and for what a composed product needs.
constexpr int chains = 10;

// The compiler may not know what v holds now, and v stays in its register.
template <class V>
CONVCORR_INLINE void hide(V& v) {
#if defined(__AVX512F__)
  asm volatile("" : "+v"(v));
#elif defined(__x86_64__)
  asm volatile("" : "+x"(v));
#elif defined(__aarch64__)
  asm volatile("" : "+w"(v));
#else
  asm volatile("" : "+m"(v));
#endif
}

template <class T>
void multiply_add(index_t rounds) {
  vec<T> sum[chains] = {};
  vec<T> a = broadcast(T(1)), b = a;
  hide(b);
  for (index_t i = 0; i < rounds; ++i) {
#pragma GCC unroll 16
    for (int c = 0; c < chains; ++c) {
      hide(a);  // else one product would serve all sums
      sum[c] += a * b;
    }
  }
#pragma GCC unroll 16
  for (int c = 0; c < chains; ++c) hide(sum[c]);
}

void copy(const void* from, void* to, index_t bytes) {
  constexpr int V = lanes<float>;
  const float* x = static_cast<const float*>(from);
  float* y = static_cast<float*>(to);
  const index_t n = bytes / static_cast<index_t>(sizeof(float));
  for (index_t i = 0; i + 4 * V <= n; i += 4 * V) {
    vec<float> part[4];
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) part[j] = load_once(x + i + j * V);
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) store(y + i + j * V, part[j]);
  }
}

template <class T>
constexpr index_t products = chains * lanes<T>;

using u16 = unsigned short;
using u32 = unsigned;
using u64 = unsigned long long;

}  // namespace

// In the order of Compute: u16, u32, u64, f32, f64, c64, c128.
extern const bench::PeakTable peaks;
const bench::PeakTable peaks = {
    .multiply_add = {multiply_add<u16>, multiply_add<u32>, multiply_add<u64>, multiply_add<float>, multiply_add<double>,
                     multiply_add<float>, multiply_add<double>},
    .products = {products<u16>, products<u32>, products<u64>, products<float>, products<double>, products<float>,
                 products<double>},
    .copy = copy,
};

}  // namespace convcorr::CONVCORR_ISA
