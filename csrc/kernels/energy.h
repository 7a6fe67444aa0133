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

template <class T>
void square_cells(const void* row, index_t scalars, index_t cell, void* cells) {
  const T* x = static_cast<const T*>(row);
  T* out = static_cast<T*>(cells);
  for (index_t from = 0, c = 0; from < scalars; from += cell, ++c) {
    const index_t end = from + cell < scalars ? from + cell : scalars;
    vec<T> sum = {};
    index_t i = from;
    for (; i + lanes<T> <= end; i += lanes<T>) {
      const vec<T> v = load(x + i);
      sum += v * v;
    }
    T rest = 0;
    for (; i < end; ++i) rest += x[i] * x[i];
    out[c] += sum_of_lanes<T>(sum) + rest;
  }
}

template <class T>
double least_cell(const void* row, index_t scalars, index_t cell, index_t whole, double* total) {
  const T* x = static_cast<const T*>(row);
  vec<T> all = {};
  T least = 0;
  for (index_t c = 0; c < whole; ++c, x += cell) {
    vec<T> sum = {};
    for (index_t i = 0; i < cell; i += lanes<T>) {
      const vec<T> v = load(x + i);
      sum += v * v;
    }
    all += sum;
    const T energy = sum_of_lanes<T>(sum);
    least = c == 0 || energy < least ? energy : least;
  }
  const T* end = static_cast<const T*>(row) + scalars;
  for (; x + lanes<T> <= end; x += lanes<T>) all += load(x) * load(x);
  T rest = sum_of_lanes<T>(all);
  for (; x < end; ++x) rest += *x * *x;
  *total = static_cast<double>(rest);
  return static_cast<double>(least);
}

template <class T>
double sum_line(const void* line, index_t scalars) {
  const T* x = static_cast<const T*>(line);
  vec<T> sum = {};
  index_t i = 0;
  for (; i + lanes<T> <= scalars; i += lanes<T>) sum += load(x + i);
  T rest = sum_of_lanes<T>(sum);
  for (; i < scalars; ++i) rest += x[i];
  return static_cast<double>(rest);
}

template <class T>
void square_lanes(const void* row, index_t scalars, void* sums) {
  const T* x = static_cast<const T*>(row);
  T* out = static_cast<T*>(sums);
  index_t i = 0;
  for (; i + lanes<T> <= scalars; i += lanes<T>) {
    const vec<T> v = load(x + i);
    store(out + i, load(out + i) + v * v);
  }
  for (; i < scalars; ++i) out[i] += x[i] * x[i];
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
  T least = sum[0];
  vec<T> leasts = broadcast(least);
  index_t i = 0;
  for (; i + lanes<T> <= count; i += lanes<T>) {
    const vec<T> v = load(sum + i);
    leasts = v < leasts ? v : leasts;
  }
  for (; i < count; ++i) least = sum[i] < least ? sum[i] : least;
  for (int l = 0; l < lanes<T>; ++l) least = leasts[l] < least ? leasts[l] : least;
  return static_cast<double>(least);
}

}  // namespace
}  // namespace convcorr::CONVCORR_ISA
