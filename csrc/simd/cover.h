// Covering a row of outputs with register tiles.
#pragma once

#include "base/types.h"
#include "simd/vec.h"

namespace convcorr::CONVCORR_ISA {
namespace {

template <int N>
struct Width {};  // a tile of N registers, as an argument

// Covers the scalars [j, m) with tiles of B, B/2, ... 1 registers of V. The last tile moves back to end at m: it
// computes a few outputs twice, to the same bits, and needs no mask. Needs m >= V.
//
//   |  B  |  B  |  B  |  (B/2)  |     or, where most of a B is left,     |  B  |  B  |  (B)  |
//                          ^ m                                                             ^ m
template <int V, int B, class TileAt>
CONVCORR_INLINE void cover(index_t j, index_t m, TileAt tile_at) {
  for (; j + B * V <= m; j += B * V) tile_at(Width<B>{}, j);
  if (j == m) return;
  if constexpr (B == 1) {
    tile_at(Width<1>{}, m - V);
  } else {
    if (m - j > B / 2 * V && m >= B * V) return tile_at(Width<B>{}, m - B * V);
    cover<V, B / 2>(j, m, tile_at);
  }
}

// Stores the first m scalars of v, m < lanes.
template <class T>
CONVCORR_INLINE void store_first(T* p, vec<T> v, index_t m) {
  T part[lanes<T>];
  store(part, v);
  for (index_t i = 0; i < m; ++i) __builtin_memcpy(p + i, part + i, sizeof(T));  // p is of any alignment
}

}  // namespace
}  // namespace convcorr::CONVCORR_ISA
