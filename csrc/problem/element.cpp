#include "problem/element.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>

#include "base/error.h"

namespace convcorr {
namespace {

template <class T>
constexpr bool is_complex_v = false;
template <class T>
constexpr bool is_complex_v<std::complex<T>> = true;

template <class T>
T read_bytes(const char* p, bool swapped) {
  char bytes[sizeof(T)];
  std::memcpy(bytes, p, sizeof(T));
  if (swapped) std::reverse(bytes, bytes + sizeof(T));
  T value;
  std::memcpy(&value, bytes, sizeof(T));
  return value;
}

float half_to_float(std::uint16_t bits) {
  const int exponent = bits >> 10 & 31;
  const int mantissa = bits & 1023;
  float magnitude;
  if (exponent == 31) {
    magnitude = mantissa ? std::numeric_limits<float>::quiet_NaN() : std::numeric_limits<float>::infinity();
  } else if (exponent == 0) {
    magnitude = std::ldexp(static_cast<float>(mantissa), -24);
  } else {
    magnitude = std::ldexp(static_cast<float>(1024 + mantissa), exponent - 25);
  }
  return bits & 0x8000 ? -magnitude : magnitude;
}

std::uint16_t to_half(double value) {
  const std::uint16_t sign = std::signbit(value) ? 0x8000 : 0;
  const double magnitude = std::fabs(value);
  if (std::isnan(value)) return sign | 0x7e00;
  if (magnitude >= 65520) return sign | 0x7c00;  // half a step above the largest
  if (magnitude == 0) return sign;
  const int exponent = std::max(std::ilogb(magnitude), -14);
  const auto steps = static_cast<int>(std::nearbyint(std::ldexp(magnitude, 10 - exponent)));  // to nearest even
  return static_cast<std::uint16_t>(sign + ((exponent + 14) << 10) + steps);  // a carry moves into the exponent
}

// Real part, imaginary part, whole numbers and truth of a sum.
template <class Sum>
auto real_of(Sum s) {
  if constexpr (is_complex_v<Sum>) {
    return s.real();
  } else {
    return s;
  }
}

template <class Sum, class T>
Sum as_sum(T value) {
  if constexpr (std::is_same_v<Sum, Or>) {
    return {value != T(0)};
  } else if constexpr (is_complex_v<Sum>) {
    return Sum(static_cast<typename Sum::value_type>(value));
  } else {
    return static_cast<Sum>(value);
  }
}

template <class Sum, class T>
Sum as_complex_sum(const char* p, bool swapped) {
  const T re = read_bytes<T>(p, swapped), im = read_bytes<T>(p + sizeof(T), swapped);
  if constexpr (is_complex_v<Sum>) {
    using Part = typename Sum::value_type;
    return Sum(static_cast<Part>(re), static_cast<Part>(im));
  } else {
    return as_sum<Sum>(re);  // not reached: complex data sums as complex
  }
}

template <class T>
void write_bytes(char* p, T value) {
  std::memcpy(p, &value, sizeof(T));
}

// See kernels/convert.cpp.
template <class T>
T truncate(double d) {
  using Middle = std::conditional_t<(sizeof(T) < 4 || std::is_same_v<T, std::int32_t>), std::int32_t, std::int64_t>;
  const double middle_end = std::ldexp(1.0, sizeof(Middle) * 8 - 1), end = std::ldexp(1.0, 64);
  if (std::is_same_v<T, std::uint64_t> && d >= middle_end)
    return static_cast<T>(d < end ? static_cast<std::uint64_t>(d) : 0);
  const double whole = std::trunc(d);
  const bool fits = whole >= -middle_end && whole < middle_end;
  return static_cast<T>(fits ? static_cast<Middle>(whole) : std::numeric_limits<Middle>::min());
}

template <class T, class Sum>
void write_integer(char* p, Sum sum, Narrowing narrowing) {
  if constexpr (std::is_same_v<Sum, Or>) {
    write_bytes(p, static_cast<T>(sum.any));
  } else if constexpr (std::is_integral_v<Sum>) {
    write_bytes(p, static_cast<T>(sum));
  } else if (narrowing == Narrowing::saturate) {
    const long double rounded = std::nearbyint(static_cast<long double>(real_of(sum)));
    const long double low = std::numeric_limits<T>::min(), high = std::numeric_limits<T>::max();
    write_bytes(p, std::isnan(rounded) ? T(0) : static_cast<T>(std::clamp(rounded, low, high)));
  } else if (narrowing == Narrowing::truncate) {
    write_bytes(p, truncate<T>(static_cast<double>(real_of(sum))));
  } else {
    throw TypeError("a sum in floating point goes into integers by truncation or saturation alone");
  }
}

template <class T, class Sum>
void write_real(char* p, Sum sum) {
  if constexpr (std::is_same_v<Sum, Or>) {
    write_bytes(p, static_cast<T>(sum.any));
  } else {
    write_bytes(p, static_cast<T>(real_of(sum)));
  }
}

template <class T, class Sum>
void write_complex(char* p, Sum sum) {
  write_real<T>(p, sum);
  if constexpr (is_complex_v<Sum>) {
    write_bytes(p + sizeof(T), static_cast<T>(sum.imag()));
  } else {
    write_bytes(p + sizeof(T), T(0));
  }
}

}  // namespace

template <class Sum>
Sum read_element(const char* p, DType type, bool swapped) {
  switch (type) {
    case DType::boolean:
      return as_sum<Sum>(static_cast<std::uint8_t>(*p != 0));
    case DType::i8:
      return as_sum<Sum>(read_bytes<std::int8_t>(p, swapped));
    case DType::u8:
      return as_sum<Sum>(read_bytes<std::uint8_t>(p, swapped));
    case DType::i16:
      return as_sum<Sum>(read_bytes<std::int16_t>(p, swapped));
    case DType::u16:
      return as_sum<Sum>(read_bytes<std::uint16_t>(p, swapped));
    case DType::i32:
      return as_sum<Sum>(read_bytes<std::int32_t>(p, swapped));
    case DType::u32:
      return as_sum<Sum>(read_bytes<std::uint32_t>(p, swapped));
    case DType::i64:
      return as_sum<Sum>(read_bytes<std::int64_t>(p, swapped));
    case DType::u64:
      return as_sum<Sum>(read_bytes<std::uint64_t>(p, swapped));
    case DType::f16:
      return as_sum<Sum>(half_to_float(read_bytes<std::uint16_t>(p, swapped)));
    case DType::f32:
      return as_sum<Sum>(read_bytes<float>(p, swapped));
    case DType::f64:
      return as_sum<Sum>(read_bytes<double>(p, swapped));
    case DType::f80:
      return as_sum<Sum>(read_bytes<long double>(p, swapped));
    case DType::c64:
      return as_complex_sum<Sum, float>(p, swapped);
    case DType::c128:
      return as_complex_sum<Sum, double>(p, swapped);
    case DType::c160:
      return as_complex_sum<Sum, long double>(p, swapped);
  }
  return Sum();
}

template <class Sum>
void write_element(char* p, DType type, Sum sum, Narrowing narrowing) {
  switch (type) {
    case DType::boolean:
      if constexpr (std::is_same_v<Sum, Or>) {
        return write_bytes(p, static_cast<std::uint8_t>(sum.any));
      } else if (narrowing == Narrowing::truncate) {
        return write_bytes(p,
                           static_cast<std::uint8_t>(truncate<std::uint8_t>(static_cast<double>(real_of(sum))) != 0));
      } else {
        return write_bytes(p, static_cast<std::uint8_t>(sum != Sum(0)));
      }
    case DType::i8:
      return write_integer<std::int8_t>(p, sum, narrowing);
    case DType::u8:
      return write_integer<std::uint8_t>(p, sum, narrowing);
    case DType::i16:
      return write_integer<std::int16_t>(p, sum, narrowing);
    case DType::u16:
      return write_integer<std::uint16_t>(p, sum, narrowing);
    case DType::i32:
      return write_integer<std::int32_t>(p, sum, narrowing);
    case DType::u32:
      return write_integer<std::uint32_t>(p, sum, narrowing);
    case DType::i64:
      return write_integer<std::int64_t>(p, sum, narrowing);
    case DType::u64:
      return write_integer<std::uint64_t>(p, sum, narrowing);
    case DType::f16:
      if constexpr (std::is_same_v<Sum, Or>) {
        return write_bytes(p, to_half(sum.any));
      } else {
        return write_bytes(p, to_half(static_cast<double>(real_of(sum))));
      }
    case DType::f32:
      return write_real<float>(p, sum);
    case DType::f64:
      return write_real<double>(p, sum);
    case DType::f80:
      return write_real<long double>(p, sum);
    case DType::c64:
      return write_complex<float>(p, sum);
    case DType::c128:
      return write_complex<double>(p, sum);
    case DType::c160:
      return write_complex<long double>(p, sum);
  }
}

#define CONVCORR_ELEMENT(Sum)                               \
  template Sum read_element<Sum>(const char*, DType, bool); \
  template void write_element<Sum>(char*, DType, Sum, Narrowing);
CONVCORR_ELEMENT(Or)
CONVCORR_ELEMENT(std::uint64_t)
CONVCORR_ELEMENT(float)
CONVCORR_ELEMENT(double)
CONVCORR_ELEMENT(long double)
CONVCORR_ELEMENT(std::complex<float>)
CONVCORR_ELEMENT(std::complex<double>)
CONVCORR_ELEMENT(std::complex<long double>)
#undef CONVCORR_ELEMENT

void write_fill(char* p, Compute type, Complex160 fill) {
  switch (type) {
    case Compute::u16:
      return write_bytes(p, static_cast<std::uint16_t>(fill.re < 0 ? static_cast<std::int16_t>(fill.re)
                                                                   : static_cast<std::uint16_t>(fill.re)));
    case Compute::u32:
      return write_bytes(p, static_cast<std::uint32_t>(static_cast<std::int64_t>(fill.re)));
    case Compute::u64:
      return write_bytes(p, fill.re < 0 ? static_cast<std::uint64_t>(static_cast<std::int64_t>(fill.re))
                                        : static_cast<std::uint64_t>(fill.re));
    case Compute::f32:
      return write_bytes(p, static_cast<float>(fill.re));
    case Compute::f64:
      return write_bytes(p, static_cast<double>(fill.re));
    case Compute::c64:
    case Compute::pair64:
      write_bytes(p, static_cast<float>(fill.re));
      return write_bytes(p + sizeof(float), static_cast<float>(fill.im));
    case Compute::c128:
    case Compute::pair128:
      write_bytes(p, static_cast<double>(fill.re));
      return write_bytes(p + sizeof(double), static_cast<double>(fill.im));
  }
}

}  // namespace convcorr
