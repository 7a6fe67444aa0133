// One pass of a transform over a tile: butterflies of R elements along one axis, everything beside it in registers.
//
//   element (r, i, c) of the axis lies at  r * step + i * pitch + c       r: along the axis, i: rows beside, c:
//   registers
//
// A pass of radix R over points in groups of L takes butterflies j = 0 .. m - 1, m = L / R, of the elements j + q m.
// Along the lane axis an element holds butterflies of its own in every lane, and the twiddles do too; along a column
// all lanes of all registers share one twiddle.
#pragma once

#include "kernels/table.h"
#include "simd/dft.h"

namespace convcorr::CONVCORR_ISA {
namespace {

struct Axis {
  index_t m;            // butterflies; on the lane axis registers of them
  index_t step;         // elements from one point to the next
  index_t rows, pitch;  // rows beside the axis, and how far apart
  index_t first, end;   // the part to do: on the lane axis butterflies, else registers of each row
};

// Where a pass reads and writes: the tile itself.
template <class T>
struct InTile {
  Split<T>* p;
  index_t step, pitch;
  CONVCORR_INLINE Split<T> get(index_t r, index_t i, index_t c) const { return p[r * step + i * pitch + c]; }
  CONVCORR_INLINE void put(index_t r, index_t i, index_t c, Split<T> a) const { p[r * step + i * pitch + c] = a; }
};

// The first `count` scalars of what belongs to register `at` of a row.
template <class T>
CONVCORR_INLINE void store_wanted(T* row, index_t at, index_t count, vec<T> v) {
  if (at + lanes<T> <= count) return store(row + at, v);
  for (index_t l = 0; l < count - at; ++l) row[at + l] = v[l];
}

// Scalars [low, high) of a row can be read; `origin` stands for its first sample where not null.
template <class T>
struct Readable {
  index_t low, high;
  const T* origin;
  index_t sample;  // scalars

  CONVCORR_INLINE vec<T> at(const T* row, index_t i) const {
    if (i >= low && i + lanes<T> <= high) return load(row + i);
    T some[lanes<T>] = {};
    for (index_t l = 0; l < lanes<T>; ++l) {
      if (i + l >= low && i + l < high) some[l] = row[i + l];
      if (origin && i + l < sample) some[l] = origin[i + l];
    }
    return load(some);
  }
};

// Rows of data, outside the tile. `half` is the distance between the two samples that folding joins.
template <class T, bool lane, bool folded>
struct InRows {
  void* const* rows;
  index_t beside;        // rows beside the axis
  index_t half;          // columns: in points; lane: in scalars
  index_t count;         // scalars wanted of each row
  Readable<T> readable;  // lane

  CONVCORR_INLINE T* row(index_t r, index_t i) const { return static_cast<T*>(lane ? *rows : rows[r * beside + i]); }

  CONVCORR_INLINE Split<T> get(index_t r, index_t i, index_t c) const {
    if constexpr (lane) c = r;
    if constexpr (lane) {
      const T* x = row(r, i);
      const index_t at = folded ? c * lanes<T> : 2 * c * lanes<T>;
      if constexpr (folded) return {readable.at(x, at), readable.at(x, at + half)};
      if (at >= readable.low && at + 2 * lanes<T> <= readable.high) return load_pairs(x + at);
      T pairs[2 * lanes<T>];
      store(pairs, readable.at(x, at));
      store(pairs + lanes<T>, readable.at(x, at + lanes<T>));
      return load_pairs(pairs);
    }
    if constexpr (!folded) return load_pairs(row(r, i) + 2 * c * lanes<T>);
    return {load(row(r, i) + c * lanes<T>), load(row(r + half, i) + c * lanes<T>)};
  }

  CONVCORR_INLINE void put(index_t r, index_t i, index_t c, Split<T> a) const {
    if constexpr (lane) c = r;
    const index_t at = c * lanes<T>;
    if constexpr (!folded) {
      T* y = row(r, i);
      if (!y) return;
      if (2 * at + 2 * lanes<T> <= count) return store_pairs(y + 2 * at, a);
      T pairs[2 * lanes<T>];
      store_pairs(pairs, a);
      for (index_t l = 0; l < count - 2 * at; ++l) y[2 * at + l] = pairs[l];
    } else if constexpr (lane) {
      store_wanted(row(r, i), at, count, a.re);
      store_wanted(row(r, i), at + half, count, a.im);
    } else {
      if (T* y = row(r, i)) store_wanted(y, at, count, a.re);
      if (T* y = row(r + half, i)) store_wanted(y, at, count, a.im);
    }
  }
};

// e^(i pi q / 2R): the part of the fold that depends on q alone.
template <int R, class T>
CONVCORR_INLINE Split<T> fold_root(int q) {
  constexpr T c8[] = {T(1),
                      T(0.98078528040323044913L),
                      T(0.92387953251128675613L),
                      T(0.83146961230254523708L),
                      T(0.70710678118654752440L),
                      T(0.55557023301960222474L),
                      T(0.38268343236508977173L),
                      T(0.19509032201612826785L)};
  const int k = q * (8 / R);
  return {broadcast(c8[k]), broadcast(k ? c8[8 - k] : T(0))};
}

// Twiddles of butterfly j, in every lane alike (columns) or one of each lane's own.
template <class T, bool lane, int count>
CONVCORR_INLINE void load_twiddles(const void* table, index_t j, Split<T>* w) {
  for (int k = 0; k < count; ++k) {
    const T* t = static_cast<const T*>(table) + (j * count + k) * 2 * (lane ? lanes<T> : 1);
    if constexpr (lane) {
      w[k] = {load(t), load(t + lanes<T>)};
    } else {
      w[k] = {broadcast(t[0]), broadcast(t[1])};
    }
  }
}

// How many registers of twiddles a butterfly has: none where all are 1 (one butterfly in a group).
enum class Twiddles { none, pairs, folded };
template <Twiddles kind, int R>
constexpr int twiddle_count = kind == Twiddles::none    ? 0
                              : kind == Twiddles::pairs ? R / 2
                                                        : R;

template <class T, int R, bool forward, Twiddles kind, class From, class To>
CONVCORR_INLINE void butterfly(const Axis& axis, index_t j, index_t i, index_t c, const Split<T>* w, const From& from,
                               const To& to) {
  Split<T> a[R];
  for (int q = 0; q < R; ++q) a[q] = from.get(j + q * axis.m, i, c);
  if constexpr (forward) {
    for (int q = 1; q < R && kind == Twiddles::folded; ++q) a[q] = a[q] * fold_root<R, T>(q);
    dft<R, true>(a);
    for (int q = 0; q < R && kind == Twiddles::folded; ++q) a[q] = a[q] * w[q];
    if constexpr (kind == Twiddles::pairs) twist<R, true>(a, w);
  } else {
    if constexpr (kind == Twiddles::pairs) twist<R, false>(a, w);
    for (int q = 0; q < R && kind == Twiddles::folded; ++q) a[q] = times_conj(a[q], w[q]);
    dft<R, false>(a);
    for (int q = 1; q < R && kind == Twiddles::folded; ++q) a[q] = times_conj(a[q], fold_root<R, T>(q));
  }
  for (int q = 0; q < R; ++q) to.put(j + q * axis.m, i, c, a[q]);
}

template <class T, int R, bool forward, bool lane, Twiddles kind, class From, class To>
__attribute__((noinline)) void pass(const Axis& axis, const void* twiddles, From from, To to) {
  constexpr int count = twiddle_count<kind, R>;
  if constexpr (lane) {
    for (index_t j = axis.first; j < axis.end; ++j) {
      Split<T> w[count + 1];
      load_twiddles<T, true, count>(twiddles, j, w);
      butterfly<T, R, forward, kind>(axis, j, 0, 0, w, from, to);
    }
  } else {
    for (index_t j = 0; j < axis.m; ++j) {
      Split<T> w[count + 1];
      load_twiddles<T, false, count>(twiddles, j, w);
      for (index_t i = 0; i < axis.rows; ++i) {
        for (index_t c = axis.first; c < axis.end; ++c) butterfly<T, R, forward, kind>(axis, j, i, c, w, from, to);
      }
    }
  }
}

template <class T, bool forward, bool lane, Twiddles kind, class From, class To>
void pass_of_radix(int radix, const Axis& axis, const void* twiddles, const From& from, const To& to) {
  if (radix == 2) return pass<T, 2, forward, lane, kind>(axis, twiddles, from, to);
  if (radix == 4) return pass<T, 4, forward, lane, kind>(axis, twiddles, from, to);
  return pass<T, 8, forward, lane, kind>(axis, twiddles, from, to);
}

// A pass within the tile.
template <class T, bool forward, bool lane>
void pass_in_tile(int radix, const Axis& axis, const void* twiddles, Split<T>* p) {
  const InTile<T> tile = {p, axis.step, axis.pitch};
  if constexpr (!lane) {
    if (axis.m == 1) return pass_of_radix<T, forward, false, Twiddles::none>(radix, axis, nullptr, tile, tile);
  }
  pass_of_radix<T, forward, lane, Twiddles::pairs>(radix, axis, twiddles, tile, tile);
}

}  // namespace
}  // namespace convcorr::CONVCORR_ISA
