// Rows of sums whose every bit is fixed. Of listed taps: each product and each sum rounded: the bits of plain C loops
// over doubles, whatever the ISA. This source is compiled without contraction of a * b + c.
//
//   lines[t]   .. x x x x x x x x ..      a pointer per tap, so that zero taps can be left out, and any axis serves
//   sums          B registers             each term: B loads (2 B of pairs), one broadcast, B products, B sums
//
// B sums + 1 tap + 1 sample + 1 product fill the registers; the loads, from L1, are what it waits for.
#include "kernels/table.h"
#include "simd/arith.h"
#include "simd/cover.h"

namespace convcorr::CONVCORR_ISA {
namespace {

// Lines of X, taps and sums of T.
template <class T, class X>
struct List {
  const X* const* lines;
  const T* taps;
  index_t count;
};

template <class T, class X>
CONVCORR_INLINE vec<T> load_as(const X* x) {
  if constexpr (sizeof(X) == sizeof(T)) {
    return load(x);
  } else {
    typedef X part __attribute__((vector_size(lanes<T> * sizeof(X)), aligned(1), may_alias));
    return __builtin_convertvector(*reinterpret_cast<const part*>(x), vec<T>);
  }
}

// The samples of term t at scalar j.
template <Terms terms, class T, class X>
CONVCORR_INLINE vec<T> samples(const List<T, X>& list, index_t t, index_t j) {
  if constexpr (terms == Terms::single) {
    return load_as<T>(list.lines[t] + j);
  } else {
    const vec<T> before = load_as<T>(list.lines[2 * t - 1] + j), after = load_as<T>(list.lines[2 * t] + j);
    return terms == Terms::sums ? before + after : before - after;
  }
}

template <Terms terms, int B, class T, class X, class Put>
CONVCORR_INLINE void tile(const List<T, X>& list, index_t j, Put put) {
  constexpr int V = lanes<T>;
  vec<T> sum[B];
  const vec<T> first = broadcast(list.taps[0]);
#pragma GCC unroll 16
  for (int b = 0; b < B; ++b) sum[b] = load_as<T>(list.lines[0] + j + b * V) * first;
  for (index_t t = 1; t < list.count; ++t) {
    const vec<T> tap = broadcast(list.taps[t]);
#pragma GCC unroll 16
    for (int b = 0; b < B; ++b) sum[b] += samples<terms>(list, t, j + b * V) * tap;
  }
#pragma GCC unroll 16
  for (int b = 0; b < B; ++b) put(b, sum[b]);
}

template <Terms terms, class T, class X>
CONVCORR_INLINE void sum_row(const List<T, X>& list, T* y, index_t m) {
  constexpr int V = lanes<T>;
  if (m < V) {
    return tile<terms, 1>(list, 0, [=](int, vec<T> v) CONVCORR_INLINE_LAMBDA { store_first(y, v, m); });
  }
  cover<V, 8>(0, m, [&]<int N>(Width<N>, index_t j) CONVCORR_INLINE_LAMBDA {
    tile<terms, N>(list, j, [=](int b, vec<T> v) CONVCORR_INLINE_LAMBDA { store(y + j + b * V, v); });
  });
}

// Start reading here.
template <class T, class X>
void sum_lines(const void* const* lines, const void* taps, index_t count, Terms terms, void* y_, index_t m) {
  const List<T, X> list = {reinterpret_cast<const X* const*>(lines), static_cast<const T*>(taps), count};
  T* y = static_cast<T*>(y_);
  switch (terms) {
    case Terms::single:
      return sum_row<Terms::single>(list, y, m);
    case Terms::sums:
      return sum_row<Terms::sums>(list, y, m);
    case Terms::differences:
      return sum_row<Terms::differences>(list, y, m);
  }
}

// Elementwise over whole registers, then one by one.
template <class T, class Register, class One>
CONVCORR_INLINE void each(index_t m, Register of_register, One of_one) {
  index_t i = 0;
  for (; i + lanes<T> <= m; i += lanes<T>) of_register(i);
  for (; i < m; ++i) of_one(i);
}

// s[i] = the sum of four samples from x[i] on, and y[i] that of the first `few` of them, 0 .. 3.
template <class T, int few>
CONVCORR_INLINE void sum_fours(const T* x, index_t step, T* s, T* y, index_t n) {
  const auto put = [=](index_t i, auto a, auto b, auto c, auto d, auto store_one) CONVCORR_INLINE_LAMBDA {
    if constexpr (few > 0) store_one(y + i, few == 1 ? a : few == 2 ? a + b : (a + b) + c);
    store_one(s + i, (a + b) + (c + d));
  };
  each<T>(
      n,
      [=](index_t i) CONVCORR_INLINE_LAMBDA {
        put(i, load(x + i), load(x + i + step), load(x + i + 2 * step), load(x + i + 3 * step),
            [](T* to, vec<T> v) CONVCORR_INLINE_LAMBDA { store(to, v); });
      },
      [=](index_t i) CONVCORR_INLINE_LAMBDA {
        put(i, x[i], x[i + step], x[i + 2 * step], x[i + 3 * step], [](T* to, T v) CONVCORR_INLINE_LAMBDA { *to = v; });
      });
}

template <class T>
CONVCORR_INLINE void add_to(const T* a, const T* b, T* y, index_t m) {
  each<T>(
      m, [=](index_t i) CONVCORR_INLINE_LAMBDA { store(y + i, load(a + i) + load(b + i)); },
      [=](index_t i) CONVCORR_INLINE_LAMBDA { y[i] = a[i] + b[i]; });
}

// Sums of 4, 8, 16, ... neighbours, each from two of the ones before; a window is one of each that its binary digits
// name.
//
//   window 13 :  | 1 |   4   |       8       |
template <class T>
void sum_windows(const void* x_, index_t window, index_t step, void* scratch, void* y_, index_t m) {
  const T* x = static_cast<const T*>(x_);
  T *s = static_cast<T*>(scratch), *y = static_cast<T*>(y_);
  index_t length = m + (window - 4) * step;  // sums of 4 that there are
  index_t done = window % 4 * step, width = 4 * step;
  if (window % 4 == 0) sum_fours<T, 0>(x, step, s, y, m);
  if (window % 4 == 1) sum_fours<T, 1>(x, step, s, y, m);
  if (window % 4 == 2) sum_fours<T, 2>(x, step, s, y, m);
  if (window % 4 == 3) sum_fours<T, 3>(x, step, s, y, m);
  sum_fours<T, 0>(x + m, step, s + m, y, length - m);
  for (index_t digits = window / 4; digits > 0; digits /= 2) {
    if (digits % 2 == 1) {
      if (done == 0) {
        each<T>(
            m, [=](index_t i) CONVCORR_INLINE_LAMBDA { store(y + i, load(s + i)); },
            [=](index_t i) CONVCORR_INLINE_LAMBDA { y[i] = s[i]; });
      } else {
        add_to<T>(y, s + done, y, m);
      }
      done += width;
    }
    if (digits == 1) return;
    length -= width;
    add_to<T>(s, s + width, s, length);
    width *= 2;
  }
}

template <class T>
void add(const void* a, const void* b, void* y, index_t m) {
  add_to<T>(static_cast<const T*>(a), static_cast<const T*>(b), static_cast<T*>(y), m);
}

template <class T>
void divide(void* y_, index_t m, double divisor) {
  T* y = static_cast<T*>(y_);
  const T d = static_cast<T>(divisor);
  each<T>(
      m, [=](index_t i) CONVCORR_INLINE_LAMBDA { store(y + i, load(y + i) / broadcast(d)); },
      [=](index_t i) CONVCORR_INLINE_LAMBDA { y[i] /= d; });
}

// Half a unit further from 0, a quotient is at least half of 1/divisor away from the next whole number on either side,
// more than a reciprocal's and a product's rounding take it.
template <class T>
void divide_whole(void* y_, index_t m, double divisor) {
  T* y = static_cast<T*>(y_);
  const T r = static_cast<T>(1 / divisor), half = T(0.5);
  each<T>(
      m,
      [=](index_t i) CONVCORR_INLINE_LAMBDA {
        const vec<T> v = load(y + i);
        store(y + i, (v + (v < vec<T>{} ? broadcast(-half) : broadcast(half))) * broadcast(r));
      },
      [=](index_t i) CONVCORR_INLINE_LAMBDA { y[i] = (y[i] + (y[i] < 0 ? -half : half)) * r; });
}

// All bits of a register that compares true somewhere.
template <class Mask>
CONVCORR_INLINE bool any(Mask mask) {
  unsigned long long words[sizeof(Mask) / 8], all = 0;
  __builtin_memcpy(words, &mask, sizeof mask);
#pragma GCC unroll 8
  for (unsigned long long word : words) all |= word;
  return all != 0;
}

// The least distance of `count` sums from a whole number but 0, lane by lane. Adding and taking away 1.5 * 2^(digits -
// 1) rounds to a whole number.
template <class T>
CONVCORR_INLINE vec<T> distance_from_whole(const T* s, index_t count) {
  const vec<T> round = broadcast(sizeof(T) == 4 ? T(0x1.8p23) : T(0x1.8p52)), half = broadcast(T(0.5));
  vec<T> least = half;
  for (index_t i = 0; i < count; i += lanes<T>) {
    const vec<T> v = load(s + i), whole = (v + round) - round, off = v - whole;
    const vec<T> distance = off < vec<T>{} ? -off : off, counts = whole == vec<T>{} ? half : distance;
    least = least < counts ? least : counts;
  }
  return least;
}

// Doubt is rare: a look at some blocks at once, and at each where there is any.
template <class T>
unsigned long long find_doubtful(const void* sums, index_t blocks, double doubt) {
  constexpr index_t some = 8;
  const T* s = static_cast<const T*>(sums);
  const vec<T> near = broadcast(static_cast<T>(doubt));
  unsigned long long found = 0;
  for (index_t first = 0; first < blocks; first += some) {
    const index_t end = first + some < blocks ? first + some : blocks;
    if (!any(distance_from_whole(s + first * settled_block, (end - first) * settled_block) <= near)) continue;
    for (index_t block = first; block < end; ++block) {
      const bool here = any(distance_from_whole(s + block * settled_block, settled_block) <= near);
      found |= static_cast<unsigned long long>(here) << block;
    }
  }
  return found;
}

template <class T>
constexpr SumsFunctions functions = {sum_lines<T, T>, sum_windows<T>,  add<T>,
                                     divide<T>,       divide_whole<T>, find_doubtful<T>};

}  // namespace

extern const SumsTable sums;
const SumsTable sums = {.f32 = functions<float>, .f64 = functions<double>, .list_of_f32 = sum_lines<double, float>};

}  // namespace convcorr::CONVCORR_ISA
