// The last points of the lane axis: groups of `lanes` registers are transformed within the registers.
//
//   twist and transform across r registers (a block of r * lanes points)     lane = position in the block mod lanes
//   transpose                                                               lane = block or part of it
//   transform across all registers                                          done: no twiddles are left
//
// r is lanes where that many numbers fit the registers, so that a group is one block; with 16 lanes it is four blocks
// of 64 points. The product with the spectrum and the way back happen while the group is in registers.
#pragma once

#include "base/types.h"
#include "simd/dft.h"
#include "simd/transpose.h"

namespace convcorr::CONVCORR_ISA {
namespace {

template <class T>
constexpr int base_radix = lanes<T> == 16 ? 4 : lanes<T>;

enum class Mode { forward, convolve, invert };

template <class T>
CONVCORR_INLINE void transpose(Split<T>* a) {
  constexpr int V = lanes<T>;
  vec<T> v[V];
  for (int i = 0; i < V; ++i) v[i] = a[i].re;
  transpose<T>(v);
  for (int i = 0; i < V; ++i) a[i].re = v[i];
  for (int i = 0; i < V; ++i) v[i] = a[i].im;
  transpose<T>(v);
  for (int i = 0; i < V; ++i) a[i].im = v[i];
}

template <class T>
CONVCORR_INLINE void base_forward(Split<T>* a, const Split<T>* w) {
  constexpr int V = lanes<T>, r = base_radix<T>;
  for (int g = 0; g < V; g += r) {
    dft<r, true>(a + g);
    twist<r, true>(a + g, w);
  }
  transpose<T>(a);
  dft<V, true>(a);
}

template <class T>
CONVCORR_INLINE void base_backward(Split<T>* a, const Split<T>* w) {
  constexpr int V = lanes<T>, r = base_radix<T>;
  dft<V, false>(a);
  transpose<T>(a);
  for (int g = 0; g < V; g += r) {
    twist<r, false>(a + g, w);
    dft<r, false>(a + g);
  }
}

// `count` elements: p = forward(p), or backward(forward(p) * h), or backward(x * h).
template <class T, Mode mode>
__attribute__((noinline)) void base_case(Split<T>* p, const Split<T>* x, const Split<T>* h, index_t count,
                                         const void* twiddles) {
  constexpr int V = lanes<T>;
  const auto* w = static_cast<const Split<T>*>(twiddles);
  for (index_t at = 0; at < count; at += V) {
    Split<T> a[V];
    if constexpr (mode == Mode::invert) {
      for (int i = 0; i < V; ++i) a[i] = x[at + i] * h[at + i];
    } else {
      for (int i = 0; i < V; ++i) a[i] = p[at + i];
      base_forward<T>(a, w);
    }
    if constexpr (mode == Mode::convolve) {
      for (int i = 0; i < V; ++i) a[i] = a[i] * h[at + i];
    }
    if constexpr (mode != Mode::forward) base_backward<T>(a, w);
    for (int i = 0; i < V; ++i) p[at + i] = a[i];
  }
}

// Lanes that aren't transformed share the spectrum: one complex scalar for each row.
template <class T>
CONVCORR_INLINE void multiply_row(Split<T>* p, const Split<T>* x, const T* h, index_t count) {
  const Split<T> w = {broadcast(h[0]), broadcast(h[1])};
  for (index_t c = 0; c < count; ++c) p[c] = x[c] * w;
}

}  // namespace
}  // namespace convcorr::CONVCORR_ISA
