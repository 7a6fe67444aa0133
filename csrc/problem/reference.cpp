#include "problem/reference.h"

#include <complex>
#include <type_traits>

#include "base/border.h"
#include "base/error.h"
#include "problem/element.h"

namespace convcorr {
namespace {

template <class Sum>
Sum conjugate_of(Sum s) {
  if constexpr (std::is_arithmetic_v<Sum> || std::is_same_v<Sum, Or>) {
    return s;
  } else {
    return std::conj(s);
  }
}

// Adds x * h to sum, with the plain complex product (no second look at NaN).
void add_product(Or& sum, Or x, Or h) { sum.any = sum.any || (x.any && h.any); }
template <class T>
void add_product(T& sum, T x, T h) {
  sum += x * h;
}
template <class T>
void add_product(std::complex<T>& sum, std::complex<T> x, std::complex<T> h) {
  sum += std::complex<T>(x.real() * h.real() - x.imag() * h.imag(), x.real() * h.imag() + x.imag() * h.real());
}

template <class Sum>
Sum fill_as(Complex160 fill) {
  if constexpr (std::is_same_v<Sum, Or>) {
    return {fill.re != 0};
  } else if constexpr (std::is_integral_v<Sum>) {
    return fill.re < 0 ? static_cast<Sum>(static_cast<std::int64_t>(fill.re)) : static_cast<Sum>(fill.re);
  } else if constexpr (std::is_arithmetic_v<Sum>) {
    return static_cast<Sum>(fill.re);
  } else {
    using T = typename Sum::value_type;
    return Sum(static_cast<T>(fill.re), static_cast<T>(fill.im));
  }
}

enum class Sample { inside, fill, nothing };

// Finds what tap t of output n reads on one axis; moves `x` there where it is a sample.
Sample find_sample(const Problem& p, const SpatialAxis& a, index_t n, index_t t, const char*& x) {
  const index_t position = n * a.stride + t * a.dilation + a.offset;
  if (position % a.in_dilation != 0) return Sample::nothing;
  const index_t index = border_index(position / a.in_dilation, a.in, a.border);
  if (index < 0) return fill_is_zero(p) ? Sample::nothing : Sample::fill;
  x += index * a.x_stride;
  return Sample::inside;
}

// The taps of one output: in_channel axes, then spatial axes.
Odometer taps_of(const Problem& p) {
  Odometer taps;
  for (int a = 0; a < p.outer_count; ++a) {
    if (p.outer[a].role == Role::in_channel) taps.add_axis(p.outer[a].size);
  }
  for (int a = 0; a < p.spatial_count; ++a) taps.add_axis(p.spatial[a].kernel);
  return taps;
}

// What one tap of an output multiplies; false where it sees nothing.
template <class Sum>
bool read_tap(const Problem& p, Arrays at, const index_t* output, const Odometer& taps, Sum& x, Sum& h) {
  int axis = 0;
  for (int a = 0; a < p.outer_count; ++a) {
    if (p.outer[a].role != Role::in_channel) continue;
    at.x += taps.at[axis] * p.outer[a].x_stride;
    at.h += taps.at[axis] * p.outer[a].h_stride;
    ++axis;
  }
  Sample sample = Sample::inside;
  for (int a = 0; a < p.spatial_count; ++a, ++axis) {
    const SpatialAxis& s = p.spatial[a];
    const index_t t = taps.at[axis];
    const Sample here = find_sample(p, s, output[a], t, at.x);
    if (here == Sample::nothing && p.summation == Summation::fast) return false;
    if (here == Sample::nothing) sample = Sample::fill;
    if (here == Sample::fill) sample = Sample::fill;
    at.h += (p.flip ? s.kernel - 1 - t : t) * s.h_stride;
  }
  x = sample == Sample::fill ? fill_as<Sum>(p.fill) : read_element<Sum>(at.x, p.x_type, p.x_swapped);
  h = read_element<Sum>(at.h, p.h_type, p.h_swapped);
  if (p.conjugate) h = conjugate_of(h);
  return true;
}

// False where it was given up.
template <class Sum>
bool fast_sum(const Problem& p, const Arrays& at, const index_t* output, const GiveUp& give_up, Sum& sum) {
  Sum x, h;
  Odometer taps = taps_of(p);
  constexpr index_t taps_between = 1 << 14;
  index_t until_asked = 1;
  do {
    if (--until_asked == 0) {
      if (give_up.asked && give_up.asked(give_up.state)) return false;
      until_asked = taps_between;
    }
    if (read_tap(p, at, output, taps, x, h)) add_product(sum, x, h);
  } while (taps.next());
  return true;
}

// A real floating sum whose bits are fixed.
template <class Sum>
Sum ordered_sum(const Problem& p, const Arrays& at, const index_t* output) {
  Odometer taps = taps_of(p);
  const index_t count = taps.count(), middle = count / 2;
  Sum x, h, other, sum = 0;
  const auto read = [&](index_t t, Sum& sample) {
    taps.seek(t);
    read_tap(p, at, output, taps, sample, h);
  };
  if (p.summation == Summation::in_order || p.summation == Summation::last_first) {
    const index_t before = p.summation == Summation::last_first ? count - 1 : 0;
    for (index_t t = 0; t < count; ++t) {
      read((t + before) % count, x);
      if (p.summation == Summation::last_first || h != 0) sum += x * h;
    }
    return sum;
  }
  read(middle, x);
  sum = x * h;
  for (index_t t = 0; t < middle; ++t) {
    read(count - 1 - t, other);
    read(t, x);
    sum += (p.summation == Summation::symmetric ? x + other : x - other) * h;
  }
  return sum;
}

// One output; false where it was given up.
template <class Sum>
bool compute(const Problem& p, Arrays at, const Odometer& output, const GiveUp& give_up) {
  int axis = 0;
  for (int a = 0; a < p.outer_count; ++a) {
    if (p.outer[a].role == Role::in_channel) continue;
    at.x += output.at[axis] * p.outer[a].x_stride;
    at.h += output.at[axis] * p.outer[a].h_stride;
    at.y += output.at[axis] * p.outer[a].y_stride;
    ++axis;
  }
  const index_t* spatial = output.at + axis;
  for (int a = 0; a < p.spatial_count; ++a) at.y += spatial[a] * p.spatial[a].y_stride;
  Sum sum{};
  if constexpr (std::is_floating_point_v<Sum>) {
    if (p.summation != Summation::fast) {
      write_element(at.y, p.y_type, ordered_sum<Sum>(p, at, spatial) / static_cast<Sum>(p.divisor), p.narrowing);
      return true;
    }
  }
  if (!fast_sum(p, at, spatial, give_up, sum)) return false;
  if constexpr (std::is_floating_point_v<Sum>) sum /= static_cast<Sum>(p.divisor);
  write_element(at.y, p.y_type, sum, p.narrowing);
  return true;
}

bool compute_output(const Problem& p, const Arrays& arrays, const Odometer& output, const GiveUp& give_up) {
  switch (p.bound > 0 ? DType::f64 : p.sum_type) {
    case DType::boolean:
      return compute<Or>(p, arrays, output, give_up);
    case DType::f16:
    case DType::f32:
      return compute<float>(p, arrays, output, give_up);
    case DType::f64:
      return compute<double>(p, arrays, output, give_up);
    case DType::f80:
      return compute<long double>(p, arrays, output, give_up);
    case DType::c64:
      return compute<std::complex<float>>(p, arrays, output, give_up);
    case DType::c128:
      return compute<std::complex<double>>(p, arrays, output, give_up);
    case DType::c160:
      return compute<std::complex<long double>>(p, arrays, output, give_up);
    default:
      return compute<std::uint64_t>(p, arrays, output, give_up);
  }
}

}  // namespace

Odometer outputs_of(const Problem& p) {
  Odometer outputs;
  for (int a = 0; a < p.outer_count; ++a) {
    if (p.outer[a].role != Role::in_channel) outputs.add_axis(p.outer[a].size);
  }
  for (int a = 0; a < p.spatial_count; ++a) outputs.add_axis(p.spatial[a].out);
  return outputs;
}

void reference(const Problem& p, const Arrays& arrays, index_t first, index_t count, const GiveUp& give_up) {
  Odometer output = outputs_of(p);
  output.seek(first);
  for (index_t i = 0; i < count; ++i) {
    if (!compute_output(p, arrays, output, give_up)) return;
    output.next();
  }
}

}  // namespace convcorr
