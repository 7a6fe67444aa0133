// A SIMD register as a value: vec<T>, on the vector extensions of GCC and Clang.
//
// Kernels are written against this vocabulary alone. The flags of the translation unit choose the register's width, so
// one source serves SSE, AVX2, AVX-512, NEON and machines with none of them. Everything here is in the ISA's own
// *anonymous* namespace: a helper with a name shared between objects of different flags could be merged by the linker,
// and an old CPU would meet AVX.
#pragma once

#ifndef CONVCORR_ISA
#error "compile kernels once per ISA, with -DCONVCORR_ISA=<name> and its flags"
#endif

#include <utility>  // std::integer_sequence: a type, no function

namespace convcorr::CONVCORR_ISA {
namespace {

#if defined(__AVX512F__)
constexpr int register_bytes = 64;
constexpr int register_count = 32;
#elif defined(__AVX__)
constexpr int register_bytes = 32;
constexpr int register_count = 16;
#elif defined(__aarch64__)
constexpr int register_bytes = 16;
constexpr int register_count = 32;
#else
constexpr int register_bytes = 16;
constexpr int register_count = 16;
#endif

// Whether a multiply-add is one instruction. Where it isn't, each product needs a register of its own.
#if defined(__FMA__) || defined(__aarch64__)
constexpr bool has_fma = true;
#else
constexpr bool has_fma = false;
#endif

template <class T>
constexpr int lanes = register_bytes / static_cast<int>(sizeof(T));

template <class T>
struct vec_of {
  typedef T reg __attribute__((vector_size(register_bytes)));
  typedef T mem __attribute__((vector_size(register_bytes), aligned(1), may_alias));  // any alignment
};
template <class T>
using vec = typename vec_of<T>::reg;

#define CONVCORR_INLINE __attribute__((always_inline)) inline
#define CONVCORR_INLINE_LAMBDA __attribute__((always_inline))  // goes after a lambda's parameters

template <class T>
CONVCORR_INLINE vec<T> load(const T* p) {
  return *reinterpret_cast<const typename vec_of<T>::mem*>(p);
}

template <class T>
CONVCORR_INLINE void store(T* p, vec<T> v) {
  *reinterpret_cast<typename vec_of<T>::mem*>(p) = v;
}

template <class T>
CONVCORR_INLINE vec<T> broadcast(T x) {
  return x - vec<T>{};  // x - 0 is x for every x, -0.0 and NaN included; compiles to one broadcast
}

template <class T, int... I>
CONVCORR_INLINE vec<T> alternate(T even, T odd, std::integer_sequence<int, I...>) {
  return vec<T>{(I % 2 ? odd : even)...};
}

// p[0] p[1] p[0] p[1] ... by one load. GCC 12 makes that of an initializer but for 4-byte scalars, which it needs to
// see as one of 8, and for registers of 64 bytes, which it fills on the stack.
template <class T>
CONVCORR_INLINE vec<T> broadcast_pair(const T* p) {
  if constexpr (sizeof(T) == 4) {
    unsigned long long both;
    __builtin_memcpy(&both, p, sizeof both);
    return reinterpret_cast<vec<T>>(broadcast(both));
  } else {
#if defined(__AVX512DQ__)
    vec<T> v;
    asm("vbroadcastf64x2 %1, %0" : "=v"(v) : "m"(*reinterpret_cast<const T(*)[2]>(p)));
    return v;
#else
    return alternate<T>(p[0], p[1], std::make_integer_sequence<int, lanes<T>>{});
#endif
  }
}

// Loads once, here, and stays in the register. GCC 12 folds a load that is used exactly twice into both FMAs and so
// loads twice (60% of peak instead of 94%); and where two loads of unrolled code meet at one address it would keep the
// first alive and spill others (42% instead of 90%), which `volatile` prevents.
template <class T>
CONVCORR_INLINE vec<T> load_once(const T* p) {
  vec<T> v = load(p);
#if defined(__AVX512F__)
  asm volatile("" : "+v"(v));
#elif defined(__x86_64__)
  asm volatile("" : "+x"(v));
#elif defined(__aarch64__)
  asm volatile("" : "+w"(v));
#endif
  return v;
}

template <class T, int... I>
CONVCORR_INLINE vec<T> swap_pairs(vec<T> v, std::integer_sequence<int, I...>) {
  return __builtin_shufflevector(v, v, (I ^ 1)...);
}

// a b c d ... -> b a d c ...
template <class T>
CONVCORR_INLINE vec<T> swap_pairs(vec<T> v) {
  return swap_pairs<T>(v, std::make_integer_sequence<int, lanes<T>>{});
}

template <class T, int... I>
CONVCORR_INLINE vec<T> alternating_signs(std::integer_sequence<int, I...>) {
  return vec<T>{T(I % 2 ? 1 : -1)...};
}

// -1 1 -1 1 ...
template <class T>
CONVCORR_INLINE vec<T> alternating_signs() {
  return alternating_signs<T>(std::make_integer_sequence<int, lanes<T>>{});
}

}  // namespace
}  // namespace convcorr::CONVCORR_ISA
