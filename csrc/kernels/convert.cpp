// Rows of one dtype into rows of the type that the kernels compute in, and back.
//
// Plain loops: the compiler vectorises each for the ISA of its object. Sources have any stride (0 repeats an element,
// negative ones run backwards) and any alignment. Integers keep their low bits; floats round to nearest even, once, and
// lose their fraction on the way to integers.
#include "kernels/table.h"
#include "simd/vec.h"

namespace convcorr::CONVCORR_ISA {
namespace {

// Elements that no C++ type names.
struct Bool {
  unsigned char byte;
};
struct Half {
  unsigned short bits;
};
template <class T>
struct Pair {
  T re, im;
};
template <class T>
struct Twice {  // a real number in both parts
  T re, im;
};

template <class To, class From>
CONVCORR_INLINE To bits_as(From from) {
  static_assert(sizeof(To) == sizeof(From));
  To to;
  __builtin_memcpy(&to, &from, sizeof to);
  return to;
}

// binary16 -> binary32: the exponent is re-biased by a product, which is exact for denormals too.
CONVCORR_INLINE float widen(Half h) {
  const unsigned magnitude = (h.bits & 0x7fffu) << 13;
  const unsigned special = magnitude >= (0x7c00u << 13) ? 0x7f800000u : 0u;  // Inf and NaN
  const unsigned scaled = bits_as<unsigned>(bits_as<float>(magnitude) * 0x1p112f);
  return bits_as<float>(scaled | special | (h.bits & 0x8000u) << 16);
}

// binary32 -> binary16, to nearest even. A sum with 1/2 lets the hardware round denormals at the right bit.
CONVCORR_INLINE Half narrow(float f) {
  const unsigned bits = bits_as<unsigned>(f);
  const unsigned sign = bits & 0x80000000u;
  const unsigned magnitude = bits ^ sign;
  const unsigned normal = (magnitude - (112u << 23) + 0xfffu + ((magnitude >> 13) & 1u)) >> 13;
  const unsigned denormal = bits_as<unsigned>(bits_as<float>(magnitude) + 0.5f) - bits_as<unsigned>(0.5f);
  const unsigned special = magnitude > 0x7f800000u ? 0x7e00u : 0x7c00u;
  const unsigned finite = magnitude < (113u << 23) ? denormal : normal;
  const unsigned half = magnitude >= (143u << 23) ? special : finite;
  return {static_cast<unsigned short>(half | sign >> 16)};
}

// binary64 -> binary16 by way of binary32 rounded to odd, which keeps what the second rounding must know.
CONVCORR_INLINE Half narrow(double d) {
  const float f = static_cast<float>(d);
  const double back = f;
  unsigned bits = bits_as<unsigned>(f);
  if (back != d && back - back == 0) {
    if ((back > d) == (d > 0)) bits -= 1;  // rounded away from zero: step back
    bits |= 1;
  }
  return narrow(bits_as<float>(bits));
}

// Toward zero, then the low bits, as compiled C does it on x86: by way of 32 bits, or of 64 where D has more values
// than an int. What doesn't fit there, NaN too, becomes the least integer.
template <class D>
CONVCORR_INLINE D truncate(double d) {
  constexpr bool is_unsigned = D(-1) > D(0);
  if constexpr (sizeof(D) < 4 || (sizeof(D) == 4 && !is_unsigned)) {
    constexpr int least = -0x7fffffff - 1;
    return static_cast<D>(d > -0x1p31 - 1 && d < 0x1p31 ? static_cast<int>(d) : least);
  } else {
    constexpr long long least = -0x7fffffffffffffff - 1;
    const bool high = is_unsigned && sizeof(D) == 8 && d >= 0x1p63;
    const double rest = high ? d - 0x1p63 : d;
    const long long whole = rest >= -0x1p63 && rest < 0x1p63 ? static_cast<long long>(rest) : least;
    return static_cast<D>(high ? static_cast<unsigned long long>(whole) ^ 0x8000000000000000u
                               : static_cast<unsigned long long>(whole));
  }
}

template <class D>
CONVCORR_INLINE D truncate(float f) {
  if constexpr (sizeof(D) < 4) {  // in registers of floats
    constexpr int least = -0x7fffffff - 1;
    return static_cast<D>(f >= -0x1p31f && f < 0x1p31f ? static_cast<int>(f) : least);
  } else {
    return truncate<D>(static_cast<double>(f));
  }
}

template <class T>
constexpr bool is_floating = __is_same(T, float) || __is_same(T, double);

template <class T>
constexpr bool is_pair = false;
template <class T>
constexpr bool is_pair<Pair<T>> = true;
template <class T>
constexpr bool is_twice = false;
template <class T>
constexpr bool is_twice<Twice<T>> = true;

template <class D, class S>
CONVCORR_INLINE D as(S s) {
  if constexpr (is_pair<D> && is_pair<S>) {
    return {as<decltype(D::re)>(s.re), as<decltype(D::re)>(s.im)};
  } else if constexpr (is_pair<D>) {
    return {as<decltype(D::re)>(s), 0};
  } else if constexpr (is_twice<D>) {
    const auto part = as<decltype(D::re)>(s);
    return {part, part};
  } else if constexpr (__is_same(S, Bool)) {
    return static_cast<D>(s.byte != 0);
  } else if constexpr (__is_same(S, Half)) {
    return static_cast<D>(widen(s));
  } else if constexpr (__is_same(D, Bool) && is_floating<S>) {
    return {static_cast<unsigned char>(truncate<unsigned char>(s) != 0)};
  } else if constexpr (__is_same(D, Bool)) {
    return {static_cast<unsigned char>(s != 0)};
  } else if constexpr (__is_same(D, Half)) {
    return narrow(s);
  } else if constexpr (is_floating<S> && !is_floating<D>) {
    return truncate<D>(s);
  } else {
    return static_cast<D>(s);
  }
}

template <class S, class D>
CONVCORR_INLINE void convert_one(const char* src, char* dst) {
  S s;
  __builtin_memcpy(&s, src, sizeof s);
  const D d = as<D>(s);
  __builtin_memcpy(dst, &d, sizeof d);
}

template <class S, class D>
void load(const char* src, index_t stride, index_t n, void* dst_) {
  char* dst = static_cast<char*>(dst_);
  constexpr index_t step = sizeof(S), out = sizeof(D);
  if (stride != step) {
    for (index_t i = 0; i < n; ++i) convert_one<S, D>(src + i * stride, dst + i * out);
  } else if constexpr (__is_same(S, D)) {
    __builtin_memcpy(dst, src, static_cast<unsigned long>(n) * sizeof(S));
  } else if constexpr (is_pair<S> && is_pair<D>) {
    load<decltype(S::re), decltype(D::re)>(src, step / 2, 2 * n, dst);  // scalars vectorise, pairs don't
  } else {
    for (index_t i = 0; i < n; ++i) convert_one<S, D>(src + i * step, dst + i * out);
  }
}

template <class S, class D>
void store(const void* src_, index_t n, char* dst, index_t stride) {
  const char* src = static_cast<const char*>(src_);
  constexpr index_t step = sizeof(S), out = sizeof(D);
  if (stride == out) return load<S, D>(src, step, n, dst);
  for (index_t i = 0; i < n; ++i) convert_one<S, D>(src + i * step, dst + i * stride);
}

using u16 = unsigned short;
using u32 = unsigned;
using u64 = unsigned long long;
using i8 = signed char;
using u8 = unsigned char;
using i16 = short;
using i32 = int;
using i64 = long long;

CONVCORR_INLINE u16 reverse(u16 u) { return __builtin_bswap16(u); }
CONVCORR_INLINE u32 reverse(u32 u) { return __builtin_bswap32(u); }
CONVCORR_INLINE u64 reverse(u64 u) { return __builtin_bswap64(u); }

template <class U>
CONVCORR_INLINE void swap_one(const char* src, char* dst) {
  U u;
  __builtin_memcpy(&u, src, sizeof u);
  u = reverse(u);
  __builtin_memcpy(dst, &u, sizeof u);
}

template <class U>
void swap(const char* src, index_t stride, index_t n, void* dst_) {
  char* dst = static_cast<char*>(dst_);
  constexpr index_t step = sizeof(U);
  if (stride == step) {  // apart, so that it vectorises
    for (index_t i = 0; i < n; ++i) swap_one<U>(src + i * step, dst + i * step);
  } else {
    for (index_t i = 0; i < n; ++i) swap_one<U>(src + i * stride, dst + i * step);
  }
}

template <class T, int... I>
CONVCORR_INLINE void zip_registers(vec<T> a, vec<T> b, T* to, std::integer_sequence<int, I...>) {
  constexpr int V = lanes<T>;
  store(to, __builtin_shufflevector(a, b, (I / 2 + I % 2 * V)...));
  store(to + V, __builtin_shufflevector(a, b, (V / 2 + I / 2 + I % 2 * V)...));
}

template <class T>
void zip(const void* a_, const void* b_, index_t n, char* dst) {
  const T *a = static_cast<const T*>(a_), *b = static_cast<const T*>(b_);
  constexpr int V = lanes<T>;
  index_t i = 0;
  for (; i + V <= n; i += V) {
    zip_registers<T>(load(a + i), load(b + i), reinterpret_cast<T*>(dst) + 2 * i, std::make_integer_sequence<int, V>{});
  }
  for (; i < n; ++i) {
    const T both[2] = {a[i], b[i]};
    __builtin_memcpy(dst + i * static_cast<index_t>(sizeof both), both, sizeof both);
  }
}

// `from` counts in DType's order: bool i8 u8 i16 u16 | i32 u32 i64 u64 | f16 f32 f64 f80 c64 c128 c160.
constexpr load_fn none = nullptr;
template <class D>
constexpr load_fn small[5] = {load<Bool, D>, load<i8, D>, load<u8, D>, load<i16, D>, load<u16, D>};
template <class D>
constexpr load_fn large[4] = {load<i32, D>, load<u32, D>, load<i64, D>, load<u64, D>};

constexpr load_fn load_to(Compute to, int from) {
  switch (to) {
    case Compute::u16:
      return from < 5 ? small<u16>[from] : none;
    case Compute::u32:
      return from < 5 ? small<u32>[from] : from < 7 ? large<u32>[from - 5] : none;
    case Compute::u64:
      return from < 5 ? small<u64>[from] : from < 9 ? large<u64>[from - 5] : none;
    case Compute::f32:
      return from < 5     ? small<float>[from]
             : from == 9  ? load<Half, float>
             : from == 10 ? load<float, float>
             : from == 11 ? load<double, float>  // taps
                          : none;
    case Compute::f64:
      return from < 5     ? small<double>[from]
             : from < 9   ? large<double>[from - 5]
             : from == 9  ? load<Half, double>
             : from == 10 ? load<float, double>
             : from == 11 ? load<double, double>
                          : none;
    case Compute::c64:
      return from < 5     ? small<Pair<float>>[from]
             : from == 9  ? load<Half, Pair<float>>
             : from == 10 ? load<float, Pair<float>>
             : from == 13 ? load<Pair<float>, Pair<float>>
                          : none;
    case Compute::c128:
      return from < 5     ? small<Pair<double>>[from]
             : from < 9   ? large<Pair<double>>[from - 5]
             : from == 9  ? load<Half, Pair<double>>
             : from == 10 ? load<float, Pair<double>>
             : from == 11 ? load<double, Pair<double>>
             : from == 13 ? load<Pair<float>, Pair<double>>
             : from == 14 ? load<Pair<double>, Pair<double>>
                          : none;
    case Compute::pair64:
      return from < 5     ? small<Twice<float>>[from]
             : from == 9  ? load<Half, Twice<float>>
             : from == 10 ? load<float, Twice<float>>
                          : load_to(Compute::c64, from);
    case Compute::pair128:
      return from < 5     ? small<Twice<double>>[from]
             : from < 9   ? large<Twice<double>>[from - 5]
             : from == 9  ? load<Half, Twice<double>>
             : from == 10 ? load<float, Twice<double>>
             : from == 11 ? load<double, Twice<double>>
                          : load_to(Compute::c128, from);
  }
  return none;
}

template <class S>
constexpr store_fn truncated[9] = {store<S, Bool>, store<S, i8>,  store<S, u8>,  store<S, i16>, store<S, u16>,
                                   store<S, i32>,  store<S, u32>, store<S, i64>, store<S, u64>};

constexpr ConvertTable make_table() {
  ConvertTable table = {};
  for (int from = 0; from < dtype_count; ++from) {
    for (int to = 0; to < compute_count; ++to) table.load[from][to] = load_to(static_cast<Compute>(to), from);
  }
  const auto put = [&table](Compute from, DType to, store_fn f) {
    table.store[static_cast<int>(from)][static_cast<int>(to)] = f;
  };
  put(Compute::u16, DType::boolean, store<u16, Bool>);
  put(Compute::u32, DType::boolean, store<u32, Bool>);
  put(Compute::u64, DType::boolean, store<u64, Bool>);
  for (DType to : {DType::i8, DType::u8}) {
    put(Compute::u16, to, store<u16, u8>);
    put(Compute::u32, to, store<u32, u8>);
    put(Compute::u64, to, store<u64, u8>);
  }
  for (DType to : {DType::i16, DType::u16}) {
    put(Compute::u16, to, store<u16, u16>);
    put(Compute::u32, to, store<u32, u16>);
    put(Compute::u64, to, store<u64, u16>);
  }
  for (DType to : {DType::i32, DType::u32}) {
    put(Compute::u32, to, store<u32, u32>);
    put(Compute::u64, to, store<u64, u32>);
  }
  for (DType to : {DType::i64, DType::u64}) put(Compute::u64, to, store<u64, u64>);
  for (int to = 0; to < 9; ++to) {
    put(Compute::f32, static_cast<DType>(to), truncated<float>[to]);
    put(Compute::f64, static_cast<DType>(to), truncated<double>[to]);
  }
  put(Compute::f32, DType::f16, store<float, Half>);
  put(Compute::f32, DType::f32, store<float, float>);
  put(Compute::f64, DType::f16, store<double, Half>);
  put(Compute::f64, DType::f32, store<double, float>);
  put(Compute::f64, DType::f64, store<double, double>);
  for (Compute from : {Compute::c64, Compute::pair64}) put(from, DType::c64, store<Pair<float>, Pair<float>>);
  for (Compute from : {Compute::c128, Compute::pair128}) {
    put(from, DType::c64, store<Pair<double>, Pair<float>>);
    put(from, DType::c128, store<Pair<double>, Pair<double>>);
  }
  table.swap2 = swap<u16>;
  table.swap4 = swap<u32>;
  table.swap8 = swap<u64>;
  table.zip4 = zip<float>;
  table.zip8 = zip<double>;
  return table;
}

}  // namespace

extern const ConvertTable convert;
constinit const ConvertTable convert = make_table();

}  // namespace convcorr::CONVCORR_ISA
