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
  static constexpr bool in_part = false;
  Split<T>* p;
  index_t step, pitch;
  CONVCORR_INLINE bool wants(int) const { return true; }
  CONVCORR_INLINE Split<T> get(index_t r, index_t i, index_t c) const { return p[r * step + i * pitch + c]; }
  CONVCORR_INLINE void put(index_t r, index_t i, index_t c, Split<T> a) const { p[r * step + i * pitch + c] = a; }
};

// The same of a pass whose blocks [first, end) alone are wanted.
template <class T>
struct InPart : InTile<T> {
  static constexpr bool in_part = true;
  int first, end;
  CONVCORR_INLINE bool wants(int q) const { return q >= first && q < end; }
};

// The first `count` scalars of what belongs to register `at` of a row.
template <class T>
CONVCORR_INLINE void store_wanted(T* row, index_t at, index_t count, vec<T> v) {
  if (at + lanes<T> <= count) return store(row + at, v);
  for (index_t l = 0; l < count - at; ++l) row[at + l] = v[l];
}

// How rows that a call didn't make are read: see FftInput.
template <class T>
struct Bounds {
  index_t low, high, origin;
  index_t sample;  // scalars
  T first_factor, factor;

  // Register at scalar i of a row; `first` is the factor of the row's first sample.
  CONVCORR_INLINE vec<T> at(const T* row, index_t i, T first, T others) const {
    if (i >= low && i + lanes<T> <= high) return load(row + i) * broadcast(others);
    const bool begins = origin > 0 && i == 0;
    if ((i >= high || i + lanes<T> <= low) && !begins) return vec<T>{};
    T some[lanes<T>] = {};
    for (index_t l = 0; l < lanes<T>; ++l) {
      if (i + l >= low && i + l < high) some[l] = row[i + l] * others;
      if (begins && l < sample) some[l] = row[origin + l] * first;
    }
    return load(some);
  }
  CONVCORR_INLINE Split<T> pairs_at(const T* row, index_t i, T first, T others) const {
    T pairs[2 * lanes<T>];
    store(pairs, at(row, i, first, others));
    store(pairs + lanes<T>, at(row, i + lanes<T>, first, others));
    return load_pairs(pairs);
  }
};

// Rows of data, outside the tile. `half` is the distance between the two samples that folding joins.
template <class T, bool lane, bool folded, bool bounded>
struct InRows {
  static constexpr bool in_part = false;
  void* const* rows;
  index_t beside;    // rows beside the axis
  index_t half;      // columns: in points; lane: in scalars
  index_t count;     // scalars wanted of each row
  Bounds<T> bounds;  // bounded

  CONVCORR_INLINE bool wants(int) const { return true; }
  CONVCORR_INLINE T* row(index_t r, index_t i) const { return static_cast<T*>(lane ? *rows : rows[r * beside + i]); }

  // Registers of row r at scalar `at`; on the lane axis r is 0.
  CONVCORR_INLINE vec<T> read(index_t r, index_t i, index_t at) const {
    const T* x = row(r, i);
    if constexpr (!bounded) return load(x + at);
    if (!lane && !x) return vec<T>{};
    const T first = r == 0 ? bounds.first_factor : bounds.factor;
    return bounds.at(x, at, first, lane ? bounds.factor : first);
  }
  CONVCORR_INLINE Split<T> read_pairs(index_t r, index_t i, index_t at) const {
    const T* x = row(r, i);
    if constexpr (!bounded) return load_pairs(x + at);
    if (!lane && !x) return {vec<T>{}, vec<T>{}};
    const T first = r == 0 ? bounds.first_factor : bounds.factor;
    return bounds.pairs_at(x, at, first, lane ? bounds.factor : first);
  }

  CONVCORR_INLINE Split<T> get(index_t r, index_t i, index_t c) const {
    if constexpr (lane) {
      if constexpr (folded) return {read(0, i, r * lanes<T>), read(0, i, r * lanes<T> + half)};
      return read_pairs(0, i, 2 * r * lanes<T>);
    }
    if constexpr (!folded) return read_pairs(r, i, 2 * c * lanes<T>);
    return {read(r, i, c * lanes<T>), read(r + half, i, c * lanes<T>)};
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
                      T(0.19509032201612826785L),
                      T(0)};
  constexpr T c3[] = {T(1), T(0.86602540378443864676L), T(0.5L), T(0)};
  constexpr T c5[] = {T(1),
                      T(0.95105651629515357212L),
                      T(0.80901699437494742410L),
                      T(0.58778525229247312917L),
                      T(0.30901699437494742410L),
                      T(0)};
  if constexpr (R == 3) return {broadcast(c3[q]), broadcast(c3[3 - q])};
  if constexpr (R == 5) return {broadcast(c5[q]), broadcast(c5[5 - q])};
  const int k = q * (8 / R);
  return {broadcast(c8[k]), broadcast(c8[8 - k])};
}

// How many registers of twiddles a butterfly has: none where all are 1 (one butterfly in a group).
enum class Twiddles { none, pairs, folded };
template <Twiddles kind, int R>
constexpr int twiddle_count = kind == Twiddles::none    ? 0
                              : kind == Twiddles::pairs ? R / 2
                                                        : R;

struct TwiddleTables {
  const void* table;
  const void* far;  // lane axes
};

// Twiddles of one butterfly after the other: in every lane alike (columns), or one of each lane's own.
template <class T, bool lane, int count>
class TwiddlesOf {
 public:
  CONVCORR_INLINE TwiddlesOf(const TwiddleTables& tables, index_t j) {
    const auto* table = static_cast<const T*>(tables.table);
    if constexpr (lane) {
      const index_t near = tables.far ? j % near_registers : j;
      table_ = table + near * count * 2 * lanes<T>;
      far_ = tables.far ? static_cast<const T*>(tables.far) + j / near_registers * count * 4 : nullptr;
    } else {
      for (int k = 0; k < count; ++k) {
        w_[k] = {broadcast(table[2 * (j * count + k)]), broadcast(table[2 * (j * count + k) + 1])};
      }
    }
  }

  CONVCORR_INLINE Split<T> operator()(int k) const {
    if constexpr (!lane) return w_[k];
    const T* t = table_ + k * 2 * lanes<T>;
    const Split<T> w = {load(t), load(t + lanes<T>)};
    if (!far_) return w;
    const T* f = far_ + 4 * k;
    const vec<T> re = broadcast(f[0]), im = broadcast(f[1]);
    return {re + (broadcast(f[2]) + re * w.re - im * w.im), im + (broadcast(f[3]) + re * w.im + im * w.re)};
  }

 private:
  const T *table_ = nullptr, *far_ = nullptr;
  Split<T> w_[lane ? 1 : count + 1];
};

// w^1 .. w^(R/2) serve all: w^(R - k) of one butterfly is the conjugate of w^k up to the order that DFTs come in.
template <int R, bool forward, class T, class Of, class To>
CONVCORR_INLINE void twist_by(Split<T>* a, const Of& twiddles, const To& to) {
  for (int k = 1; k <= R / 2; ++k) {
    if (To::in_part && !to.wants(k) && !to.wants(R - k)) continue;
    const Split<T> w = twiddles(k - 1);
    a[k] = turned<forward>(a[k], w);
    if (k < R - k) a[R - k] = turned<!forward>(a[R - k], w);
  }
}

template <class T, int R, bool forward, Twiddles kind, class Of, class From, class To>
CONVCORR_INLINE void butterfly(const Axis& axis, index_t j, index_t i, index_t c, const Of& twiddles, const From& from,
                               const To& to) {
  Split<T> a[R];
  for (int q = 0; q < R; ++q) a[q] = from.get(j + q * axis.m, i, c);
  if constexpr (forward) {
    for (int q = 1; q < R && kind == Twiddles::folded; ++q) a[q] = a[q] * fold_root<R, T>(q);
    dft<R, true>(a);
    for (int q = 0; q < R && kind == Twiddles::folded; ++q) {
      if (to.wants(q)) a[q] = a[q] * twiddles(q);
    }
    if constexpr (kind == Twiddles::pairs) twist_by<R, true>(a, twiddles, to);
  } else {
    if constexpr (kind == Twiddles::pairs) twist_by<R, false>(a, twiddles, to);
    for (int q = 0; q < R && kind == Twiddles::folded; ++q) a[q] = times_conj(a[q], twiddles(q));
    dft<R, false>(a);
    for (int q = 1; q < R && kind == Twiddles::folded; ++q) a[q] = times_conj(a[q], fold_root<R, T>(q));
  }
  for (int q = 0; q < R; ++q) {
    if (to.wants(q)) to.put(j + q * axis.m, i, c, a[q]);
  }
}

template <class T, int R, bool forward, bool lane, Twiddles kind, class From, class To>
__attribute__((noinline)) void pass(const Axis& axis, const TwiddleTables& tables, From from, To to) {
  using Of = TwiddlesOf<T, lane, twiddle_count<kind, R>>;
  if constexpr (lane) {
    for (index_t j = axis.first; j < axis.end; ++j) {
      butterfly<T, R, forward, kind>(axis, j, 0, 0, Of(tables, j), from, to);
    }
  } else {
    for (index_t j = 0; j < axis.m; ++j) {
      const Of twiddles(tables, j);
      for (index_t i = 0; i < axis.rows; ++i) {
        for (index_t c = axis.first; c < axis.end; ++c) {
          butterfly<T, R, forward, kind>(axis, j, i, c, twiddles, from, to);
        }
      }
    }
  }
}

template <class T, bool forward, bool lane, Twiddles kind, class From, class To>
void pass_of_radix(int radix, const Axis& axis, const TwiddleTables& tables, const From& from, const To& to) {
  if (radix == 2) return pass<T, 2, forward, lane, kind>(axis, tables, from, to);
  if (radix == 4) return pass<T, 4, forward, lane, kind>(axis, tables, from, to);
  return pass<T, 8, forward, lane, kind>(axis, tables, from, to);
}

// The outermost axis' first pass besides takes what no power of two has.
template <class T, bool forward, bool lane, Twiddles kind, class From, class To>
void first_pass_of_radix(int radix, const Axis& axis, const TwiddleTables& tables, const From& from, const To& to) {
  if (radix == 3) return pass<T, 3, forward, lane, kind>(axis, tables, from, to);
  if (radix == 5) return pass<T, 5, forward, lane, kind>(axis, tables, from, to);
  pass_of_radix<T, forward, lane, kind>(radix, axis, tables, from, to);
}

// A pass within the tile.
template <class T, bool forward, bool lane>
void pass_in_tile(const FftAxis& of, int level, const Axis& axis, Split<T>* p) {
  const InTile<T> tile = {p, axis.step, axis.pitch};
  const TwiddleTables tables = {of.twiddles[level], of.far_twiddles[level]};
  if constexpr (!lane) {
    if (axis.m == 1) return pass_of_radix<T, forward, false, Twiddles::none>(of.radix[level], axis, {}, tile, tile);
  }
  pass_of_radix<T, forward, lane, Twiddles::pairs>(of.radix[level], axis, tables, tile, tile);
}

}  // namespace
}  // namespace convcorr::CONVCORR_ISA
