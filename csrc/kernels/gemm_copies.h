// Samples on their way into panels and planes: see kernels/gemm_table.h.
#pragma once

#include "kernels/gemm_table.h"
#include "simd/vec.h"

namespace convcorr::CONVCORR_ISA {
namespace {

// In a register from here on: a value used by exactly two multiply-adds would be loaded in both.
template <class T>
CONVCORR_INLINE vec<T> pinned(vec<T> v) {
#if defined(__AVX512F__)
  asm("" : "+v"(v));
#elif defined(__x86_64__)
  asm("" : "+x"(v));
#elif defined(__aarch64__)
  asm("" : "+w"(v));
#endif
  return v;
}

// n neighbours, and whatever follows up to a whole register: the next piece, or the next row, is written over it.
template <class T>
CONVCORR_INLINE void copy_near(T* to, const T* from, index_t n, const T* end) {
  constexpr int width = lanes<T>;
  const index_t readable = end - from - width;  // where the last whole register begins
  index_t i = 0;
  for (; i < n && i <= readable; i += width) store(to + i, load(from + i));
  for (; i < n; ++i) to[i] = from[i];
}

template <class T, int... I>
CONVCORR_INLINE vec<T> even_lanes(vec<T> a, vec<T> b, std::integer_sequence<int, I...>) {
  return __builtin_shufflevector(a, b, (2 * I)...);
}

// Every other one, and whatever follows, likewise.
template <class T>
CONVCORR_INLINE void copy_even(T* to, const T* from, index_t n, const T* end) {
  constexpr int width = lanes<T>;
  const index_t readable = end - from - 2 * width;
  index_t i = 0;
  for (; i < n && 2 * i <= readable; i += width) {
    const vec<T> low = load(from + 2 * i), high = load(from + 2 * i + width);
    store(to + i, even_lanes<T>(low, high, std::make_integer_sequence<int, width>{}));
  }
  for (; i < n; ++i) to[i] = from[2 * i];
}

template <class T>
CONVCORR_INLINE void copy_every(T* to, const T* from, index_t step, index_t n, const T* end) {
  if (step == 1) {
    copy_near(to, from, n, end);
  } else if (step == 2) {
    copy_even(to, from, n, end);
  } else {
    for (index_t i = 0; i < n; ++i) to[i] = from[i * step];
  }
}

template <class T>
CONVCORR_INLINE void clear(T* to, index_t n) {
  const vec<T> zeros = pinned<T>(vec<T>{});  // nobody's business, or this would become a call of memset for a few bytes
  for (index_t i = 0; i < n; i += lanes<T>) store(to + i, zeros);
}

template <class T>
CONVCORR_INLINE void copy_piece(const PanelPiece& p, T* to, const T* x, const T* end) {
  if (p.from < 0) {
    clear(to, p.n);
  } else {
    copy_every(to, x + p.from, p.step, p.n, end);
  }
}

template <class T>
void pack(const PanelRows& r) {
  const T* x = static_cast<const T*>(r.x);
  for (index_t c = 0; c < r.channels; ++c, x += r.channel_stride) {
    T* row = static_cast<T*>(r.panel) + c * r.panel_step;
    for (index_t t = 0; t < r.taps; ++t, row += r.width) {
      for (index_t i = r.first_piece[t]; i < r.first_piece[t + 1]; ++i) {
        copy_piece(r.pieces[i], row + r.pieces[i].at, x, static_cast<const T*>(r.x_end));
      }
    }
  }
}

// In the order of the plane, so that what is written too far is written over. The zeros behind a row's samples and
// those before the next one's are one run; behind the last row the plane may end sooner.
template <class T>
void pad(const PaddedRows& r) {
  const T* x = static_cast<const T*>(r.x) + r.from;
  const T* const end = static_cast<const T*>(r.x_end);
  T* plane = static_cast<T*>(r.planes);
  const index_t rows_end = r.n > 0 ? r.end : r.first;
  for (index_t c = 0; c < r.channels; ++c, x += r.channel_stride, plane += r.plane_step) {
    const T* from = x;
    T* zeros = plane;
    for (index_t i = r.first; i < rows_end; ++i, from += r.row_step) {
      T* const row = plane + i * r.width + r.at;
      clear(zeros, row - zeros);
      copy_every(row, from, r.step, r.n, end);
      zeros = row + r.n;
    }
    clear(zeros, plane + r.length - zeros);
  }
}

}  // namespace
}  // namespace convcorr::CONVCORR_ISA
