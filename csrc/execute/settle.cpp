#include "execute/settle.h"

#include <algorithm>
#include <cmath>

#include "execute/sums.h"

namespace convcorr {
namespace {

struct Row {
  const DirectPlan& d;
  const TapList& list;
  const void* const* const* planes;
  int row;
  const index_t* columns;
  const void** pointers;
};

void sum_again(const Row& r, double* sums, index_t first, index_t m) {
  r.list.sum_row(r.planes, r.row, r.columns, r.pointers, sums + first, m, first);
}

// What is left of a sum is whole, and small: what a float32 holds of it is it.
void sum_again(const Row& r, float* sums, index_t first, index_t m) {
  constexpr index_t most = 32 * settled_block;
  double again[most];
  for (index_t end = first + m; first < end; first += most) {
    const index_t n = std::min(most, end - first);
    r.list.sum_row(r.planes, r.row, r.columns, r.pointers, again, n, first);
    for (index_t i = 0; i < n; ++i) sums[first + i] = static_cast<float>(static_cast<int>(again[i]));
  }
}

template <class T>
bool is_doubtful(T sum, double doubt) {
  const auto s = static_cast<double>(sum);
  return std::fabs(s) > 0.5 && std::fabs(s - std::nearbyint(s)) <= doubt;
}

template <class T>
void settle(const Row& r, T* sums, index_t m) {
  constexpr index_t word = 64;
  const index_t blocks = m / settled_block;
  for (index_t b = 0; b < blocks; b += word) {
    const index_t n = std::min(word, blocks - b);
    unsigned long long bits = sums_of(r.d.compute).doubtful(sums + b * settled_block, n, r.d.doubt);
    while (bits) {  // runs of neighbours
      const int low = __builtin_ctzll(bits);
      const unsigned long long from = bits >> low;
      const int run = ~from ? __builtin_ctzll(~from) : 64;
      sum_again(r, sums, (b + low) * settled_block, run * settled_block);
      if (low + run == 64) break;
      bits = bits >> (low + run) << (low + run);
    }
  }
  const index_t rest = blocks * settled_block;
  if (std::any_of(sums + rest, sums + m, [&](T s) { return is_doubtful(s, r.d.doubt); })) {
    sum_again(r, sums, rest, m - rest);
  }
}

}  // namespace

void settle_row(const DirectPlan& d, const TapList& list, const void* const* const* planes, int row,
                const index_t* columns, const void** pointers, void* sums, index_t m) {
  const Row r = {d, list, planes, row, columns, pointers};
  if (d.compute == Compute::f32) return settle(r, static_cast<float*>(sums), m);
  settle(r, static_cast<double*>(sums), m);
}

}  // namespace convcorr
