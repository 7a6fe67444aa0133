// Energies of stretches of data: what the window guard asks.
#pragma once

#include "base/types.h"
#include "simd/vec.h"

namespace convcorr::CONVCORR_ISA {
namespace {

template <class T, int distance, int... I>
CONVCORR_INLINE vec<T> moved_down(vec<T> v, std::integer_sequence<int, I...>) {
  return __builtin_shufflevector(v, v, ((I + distance) % lanes<T>)...);
}
template <class T, int distance = lanes<T> / 2>
CONVCORR_INLINE T sum_of_lanes(vec<T> v) {
  if constexpr (distance == 0)
    return v[0];
  else
    return sum_of_lanes<T, distance / 2>(v + moved_down<T, distance>(v, std::make_integer_sequence<int, lanes<T>>{}));
}

// One level of a transposition that adds as it goes: lanes of a and lanes of b, halved, side by side.
//   distance 2:   a0 a1 a2 a3 , b0 b1 b2 b3   ->   a0+a2  a1+a3  b0+b2  b1+b3
template <class T, int distance, int... I>
CONVCORR_INLINE vec<T> added_halves(vec<T> a, vec<T> b, std::integer_sequence<int, I...>) {
  constexpr int V = lanes<T>;
  return __builtin_shufflevector(a, b, (I & distance ? V + I - distance : I)...) +
         __builtin_shufflevector(a, b, (I & distance ? V + I : I + distance)...);
}

// Lane by lane squares of one cell, added up.
template <class T>
CONVCORR_INLINE vec<T> squares_of_cell(const T* x, index_t cell) {
  vec<T> sum = {};
  for (index_t i = 0; i < cell; i += lanes<T>) {
    const vec<T> v = load(x + i);
    sum += v * v;
  }
  return sum;
}

// Energies of `lanes` neighbouring cells, one in each lane. To sum up each by itself takes several times the shuffles.
template <class T, int distance = 1>
CONVCORR_INLINE vec<T> energies_of_cells(const T* x, index_t cell) {
  if constexpr (distance == lanes<T>) {
    return squares_of_cell(x, cell);
  } else {
    const vec<T> a = energies_of_cells<T, 2 * distance>(x, cell);
    const vec<T> b = energies_of_cells<T, 2 * distance>(x + distance * cell, cell);
    return added_halves<T, distance>(a, b, std::make_integer_sequence<int, lanes<T>>{});
  }
}

template <class T>
CONVCORR_INLINE vec<T> lesser(vec<T> a, vec<T> b) {
  return a < b ? a : b;
}

template <class T>
CONVCORR_INLINE T least_lane(vec<T> v) {
  T least = v[0];
  for (int l = 1; l < lanes<T>; ++l) least = v[l] < least ? v[l] : least;
  return least;
}

template <class T>
double square_cells(const void* row, index_t scalars, index_t cell, void* cells) {
  const T* x = static_cast<const T*>(row);
  T* out = static_cast<T*>(cells);
  index_t from = 0;
  vec<T> all = {};
  if (cell % lanes<T> == 0) {
    for (; from + lanes<T> * cell <= scalars; from += lanes<T> * cell, out += lanes<T>) {
      const vec<T> energies = energies_of_cells<T>(x + from, cell);
      all += energies;
      store(out, energies);
    }
  }
  double total = static_cast<double>(sum_of_lanes<T>(all));
  for (; from < scalars; from += cell, ++out) {
    const index_t n = from + cell < scalars ? cell : scalars - from, whole = n / lanes<T> * lanes<T>;
    T energy = sum_of_lanes<T>(squares_of_cell(x + from, whole));
    for (index_t i = from + whole; i < from + n; ++i) energy += x[i] * x[i];
    *out = energy;
    total += static_cast<double>(energy);
  }
  return total;
}

// Some registers of every row at a time: each sum is read and written once.
template <class T, int width>
CONVCORR_INLINE vec<T> square_columns(const void* const* rows, index_t count, index_t at, T* sums) {
  vec<T> sum[width] = {};
  for (index_t r = 0; r < count; ++r) {
    const T* x = static_cast<const T*>(rows[r]) + at;
    for (int i = 0; i < width; ++i) {
      const vec<T> v = load(x + i * lanes<T>);
      sum[i] += v * v;
    }
  }
  vec<T> all = {};
  for (int i = 0; i < width; ++i) {
    all += sum[i];
    store(sums + at + i * lanes<T>, load(sums + at + i * lanes<T>) + sum[i]);
  }
  return all;
}

template <class T>
double square_rows(const void* const* rows, index_t count, index_t scalars, void* sums) {
  T* out = static_cast<T*>(sums);
  vec<T> all = {};
  index_t i = 0;
  for (; i + 4 * lanes<T> <= scalars; i += 4 * lanes<T>) all += square_columns<T, 4>(rows, count, i, out);
  for (; i + lanes<T> <= scalars; i += lanes<T>) all += square_columns<T, 1>(rows, count, i, out);
  T rest = sum_of_lanes<T>(all);
  for (; i < scalars; ++i) {
    for (index_t r = 0; r < count; ++r) {
      const T x = static_cast<const T*>(rows[r])[i];
      out[i] += x * x;
      rest += x * x;
    }
  }
  return static_cast<double>(rest);
}

template <class T>
double sum_line(const void* line, index_t scalars) {
  const T* x = static_cast<const T*>(line);
  vec<T> sum = {}, side[4] = {};
  index_t i = 0;
  for (; i + 4 * lanes<T> <= scalars; i += 4 * lanes<T>) {
#pragma GCC unroll 4
    for (int s = 0; s < 4; ++s) side[s] += load(x + i + s * lanes<T>);
  }
  for (; i + lanes<T> <= scalars; i += lanes<T>) sum += load(x + i);
  sum += (side[0] + side[1]) + (side[2] + side[3]);
  T rest = sum_of_lanes<T>(sum);
  for (; i < scalars; ++i) rest += x[i];
  return static_cast<double>(rest);
}

// A register of every line at a time: the running sum stays in it.
template <class T>
void sum_lines(const void* lines, index_t length, index_t of, index_t count, void* sums) {
  const T* in = static_cast<const T*>(lines);
  T* out = static_cast<T*>(sums);
  const auto slide = [&](index_t at, auto get, auto put) {
    auto sum = get(in + at);
    for (index_t c = 1; c < of; ++c) sum += get(in + c * length + at);
    put(out + at, sum);
    for (index_t i = 1; i < count; ++i) {
      sum += get(in + (i + of - 1) * length + at) - get(in + (i - 1) * length + at);
      put(out + i * length + at, sum);
    }
  };
  index_t at = 0;
  for (; at + lanes<T> <= length; at += lanes<T>) {
    slide(
        at, [](const T* p) CONVCORR_INLINE_LAMBDA { return load(p); },
        [](T* p, vec<T> v) CONVCORR_INLINE_LAMBDA { store(p, v); });
  }
  for (; at < length; ++at) {
    slide(at, [](const T* p) CONVCORR_INLINE_LAMBDA { return *p; }, [](T* p, T v) CONVCORR_INLINE_LAMBDA { *p = v; });
  }
}

template <class T, int distance, int... I>
CONVCORR_INLINE vec<T> swapped_across(vec<T> v, std::integer_sequence<int, I...>) {
  return __builtin_shufflevector(v, v, (I ^ distance)...);
}

// Each lane becomes the sum of its group of `cell` lanes, a power of two.
template <class T, int distance = 1>
CONVCORR_INLINE vec<T> sums_of_groups(vec<T> v, index_t cell) {
  if constexpr (distance == lanes<T>) {
    return v;
  } else {
    if (distance >= cell) return v;
    v += swapped_across<T, distance>(v, std::make_integer_sequence<int, lanes<T>>{});
    return sums_of_groups<T, 2 * distance>(v, cell);
  }
}

template <class T>
double least_sum(const void* line, index_t cell, index_t whole) {
  const T* x = static_cast<const T*>(line);
  vec<T> leasts = broadcast(T(__builtin_inf()));
  if (cell >= lanes<T>) {
    for (index_t c = 0; c < whole; ++c, x += cell) {
      vec<T> sum = {};
      for (index_t i = 0; i < cell; i += lanes<T>) sum += load(x + i);
      leasts = lesser<T>(leasts, sums_of_groups<T>(sum, lanes<T>));
    }
    return static_cast<double>(least_lane<T>(leasts));
  }
  const T* const end = x + whole * cell;
  for (; x + lanes<T> <= end; x += lanes<T>) leasts = lesser<T>(leasts, sums_of_groups<T>(load(x), cell));
  T least = least_lane<T>(leasts);
  for (; x < end; x += cell) {
    T sum = 0;
    for (index_t i = 0; i < cell; ++i) sum += x[i];
    least = sum < least ? sum : least;
  }
  return static_cast<double>(least);
}

// Sums of 1, 2, 4, ... neighbours, each from the one before; those that make up `window` are added up.
template <class T>
double least_window(void* line, void* sums, index_t length, index_t window, index_t count) {
  T* power = static_cast<T*>(line);
  T* sum = static_cast<T*>(sums);
  for (index_t i = 0; i < length; i += lanes<T>) store(sum + i, vec<T>{});
  for (index_t bit = 1, offset = 0; bit <= window; bit *= 2) {
    if (window & bit) {
      for (index_t i = 0; i < count; i += lanes<T>) store(sum + i, load(sum + i) + load(power + i + offset));
      offset += bit;
    }
    for (index_t i = 0; i + bit < length && 2 * bit <= window; i += lanes<T>) {
      store(power + i, load(power + i) + load(power + i + bit));
    }
  }
  vec<T> leasts = broadcast(sum[0]);
  index_t i = 0;
  for (; i + lanes<T> <= count; i += lanes<T>) leasts = lesser<T>(leasts, load(sum + i));
  T least = least_lane<T>(leasts);
  for (; i < count; ++i) least = sum[i] < least ? sum[i] : least;
  return static_cast<double>(least);
}

}  // namespace
}  // namespace convcorr::CONVCORR_ISA
