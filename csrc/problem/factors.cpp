#include "problem/factors.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstdint>
#include <limits>
#include <numeric>
#include <type_traits>

#include "problem/element.h"
#include "problem/odometer.h"

namespace convcorr {
namespace {

using std::size_t;

// The kernel's taps in C order, along the axes that have several.
template <class T>
struct Taps {
  std::vector<int> axes;
  Odometer at;
  std::vector<T> of;
  size_t pivot = 0;  // the largest tap

  Taps(std::vector<int> those, const Odometer& sizes) : axes(std::move(those)), at(sizes) { at.seek(0); }

  Taps(const Problem& p, const char* h) {
    for (int a = 0; a < p.spatial_count; ++a) {
      if (p.spatial[a].kernel == 1) continue;
      axes.push_back(a);
      at.add_axis(p.spatial[a].kernel);
    }
    of.reserve(static_cast<size_t>(at.count()));
    do {
      index_t offset = 0;
      for (int i = 0; i < at.axes; ++i) offset += at.at[i] * p.spatial[axes[static_cast<size_t>(i)]].h_stride;
      of.push_back(read_element<T>(h + offset, p.h_type, p.h_swapped));
    } while (at.next());
  }

  index_t step(int axis) const {  // from one tap along an axis to the next
    index_t n = 1;
    for (int a = axis + 1; a < at.axes; ++a) n *= at.size[a];
    return n;
  }

  // The taps along an axis that go through the pivot.
  std::vector<T> line(int axis) {
    at.seek(static_cast<index_t>(pivot));
    const index_t n = at.size[axis], first = static_cast<index_t>(pivot) - at.at[axis] * step(axis);
    std::vector<T> line(static_cast<size_t>(n));
    for (index_t i = 0; i < n; ++i) line[static_cast<size_t>(i)] = of[static_cast<size_t>(first + i * step(axis))];
    return line;
  }
};

template <class T>
using Real = decltype(std::abs(T()));
template <class T>
constexpr Real<T> unit = std::numeric_limits<Real<T>>::epsilon() / 2;

template <class T>
bool is_near(T a, T b, double roundings) {
  return std::abs(a - b) <= static_cast<Real<T>>(roundings) * unit<T> * std::abs(a);
}

// Zeros must be zeros of a factor, and signs the same: then infinite samples meet the same. (Two small factors may have
// a product that vanishes, but their infinite samples don't.)
template <class T>
bool is_same_tap(T tap, T product, bool has_zero, Real<T> slack) {
  if ((tap == T(0)) != has_zero) return false;
  if (is_near(tap, product, factor_tolerance)) return true;
  if constexpr (std::is_same_v<T, Real<T>>) {
    const bool same_sign = tap != 0 && product != 0 && std::signbit(tap) == std::signbit(product);
    return same_sign && std::abs(tap - product) <= slack;
  }
  return false;
}

// Whether roundings don't explain it, nor that small taps are worth less.
template <class T>
bool differ_plainly(T a, T b) {
  constexpr double far = 4096;
  return std::abs(a) > std::numeric_limits<Real<T>>::min() / unit<T> && std::isfinite(std::abs(a)) &&
         !is_near(a, b, far);
}
bool differ_plainly(std::uint64_t a, std::uint64_t b) { return a != b; }

// A look at a few taps, which shows of most kernels that they are no products: a rectangle's opposite corners have
// equal products in one that is.
template <class T>
bool may_be_product(const Problem& p, const char* h) {
  const SpatialAxis* two[2] = {};
  for (int a = 0; a < p.spatial_count; ++a) {
    if (p.spatial[a].kernel > 1) two[two[0] != nullptr] = &p.spatial[a];
  }
  const auto tap = [&](index_t i, index_t j) {
    return read_element<T>(h + i * two[0]->h_stride + j * two[1]->h_stride, p.h_type, p.h_swapped);
  };
  const index_t m = two[0]->kernel - 1, n = two[1]->kernel - 1;
  const index_t rectangles[][4] = {{0, m, 0, n}, {m / 2, m, n / 2, n}, {0, (m + 1) / 2, n / 2, n}};
  for (const auto& [top, bottom, left, right] : rectangles) {
    const T down = tap(top, left) * tap(bottom, right), up = tap(top, right) * tap(bottom, left);
    if (differ_plainly(down, up)) return false;
  }
  return true;
}

template <class T>
using Lines = std::vector<std::vector<T>>;

// Whether same(tap, product of the factors there, whether one of them is 0) holds for every tap.
template <class T, class Same>
bool all_products(Taps<T>& taps, const Lines<T>& lines, const Same& same) {
  taps.at.seek(0);
  size_t i = 0;
  do {
    T product = 1;
    bool has_zero = false;
    for (int a = 0; a < taps.at.axes; ++a) {
      const T factor = lines[static_cast<size_t>(a)][static_cast<size_t>(taps.at.at[a])];
      product = a == 0 ? factor : product * factor;
      has_zero = has_zero || factor == T(0);
    }
    if (!same(taps.of[i++], product, has_zero)) return false;
  } while (taps.at.next());
  return true;
}

// Shares the pivot's size out among the factors, by powers of two: of the first line, which has all of it, and the
// others, which have 1 there. Sums of samples by one factor are then no larger than what goes in and what comes out.
template <class T>
void balance(Lines<T>& lines, Real<T> pivot) {
  const int share = std::ilogb(pivot) / static_cast<int>(lines.size());
  for (size_t a = 1; a < lines.size(); ++a) {
    for (T& tap : lines[a]) tap *= std::ldexp(Real<T>(1), share);
    for (T& tap : lines[0]) tap *= std::ldexp(Real<T>(1), -share);
  }
}

template <class T>
bool find_floating(Taps<T>& taps, Lines<T>& lines) {
  using std::abs;
  for (size_t i = 1; i < taps.of.size(); ++i) {
    if (abs(taps.of[i]) > abs(taps.of[taps.pivot])) taps.pivot = i;
  }
  const T pivot = taps.of[taps.pivot];
  // What products lose at the lower end of the range, half of the least number, must be within the slack of small taps.
  constexpr Real<T> least = std::numeric_limits<Real<T>>::min() / static_cast<Real<T>>(small_tap_slack);
  if (!std::isfinite(abs(pivot)) || (abs(pivot) > 0 && abs(pivot) < least)) return false;
  for (int a = 0; a < taps.at.axes; ++a) {
    lines.push_back(taps.line(a));
    for (T& tap : lines.back()) tap = a == 0 || abs(pivot) == 0 ? tap : tap / pivot;
  }
  const Real<T> slack = static_cast<Real<T>>(small_tap_slack) * unit<T> * abs(pivot);
  const auto same = [slack](T tap, T product, bool zero) { return is_same_tap(tap, product, zero, slack); };
  if (!all_products(taps, lines, same)) return false;
  if (abs(pivot) > 0) balance(lines, abs(pivot));
  return true;
}

std::int64_t as_signed(std::uint64_t u) { return static_cast<std::int64_t>(u); }

// The same modulo 2^64: each other factor without what its taps have in common.
bool find_integers(Taps<std::uint64_t>& taps, Lines<std::uint64_t>& lines) {
  const auto pivot = std::find_if(taps.of.begin(), taps.of.end(), [](std::uint64_t u) { return u != 0; });
  if (pivot == taps.of.end()) {
    for (int a = 0; a < taps.at.axes; ++a) lines.push_back(taps.line(a));
    return true;
  }
  taps.pivot = static_cast<size_t>(pivot - taps.of.begin());
  std::int64_t others = 1;
  lines.emplace_back();
  for (int a = 1; a < taps.at.axes; ++a) {
    std::vector<std::uint64_t> line = taps.line(a);
    std::int64_t common = 0;
    for (std::uint64_t u : line) common = std::gcd(common, as_signed(u));
    if (common <= 0) return false;  // the least integer's magnitude
    taps.at.seek(static_cast<index_t>(taps.pivot));
    std::uint64_t& there = line[static_cast<size_t>(taps.at.at[a])];
    if (as_signed(there) < 0) common = -common;  // positive at the pivot
    for (std::uint64_t& u : line) u = static_cast<std::uint64_t>(as_signed(u) / common);
    if (__builtin_mul_overflow(others, as_signed(there), &others)) return false;
    lines.push_back(std::move(line));
  }
  lines[0] = taps.line(0);
  for (std::uint64_t& u : lines[0]) {
    if (as_signed(u) % others != 0) return false;
    u = static_cast<std::uint64_t>(as_signed(u) / others);
  }
  return all_products(taps, lines, [](auto tap, auto product, bool) { return tap == product; });
}

// Kernels of whole numbers, or of such over a power of two, have factors of whole numbers: then samples that are whole
// too are summed exactly, as without them.
template <class T>
bool find_whole(const Taps<T>& taps, Lines<T>& lines) {
  constexpr T most = 1 / unit<T> / 2;
  for (int shift = 0; shift <= 24; shift += 8) {
    const T scale = std::ldexp(T(1), shift);
    if (!std::all_of(taps.of.begin(), taps.of.end(), [scale, most](T tap) {
          return std::abs(tap * scale) <= most && std::trunc(tap * scale) == tap * scale;
        })) {
      continue;
    }
    Taps<std::uint64_t> whole(taps.axes, taps.at);
    for (T tap : taps.of) whole.of.push_back(static_cast<std::uint64_t>(static_cast<std::int64_t>(tap * scale)));
    Lines<std::uint64_t> found;
    if (!find_integers(whole, found)) return false;
    for (const std::vector<std::uint64_t>& line : found) {
      const T size = lines.empty() ? scale : T(1);
      std::vector<T>& to = lines.emplace_back();
      for (std::uint64_t u : line) to.push_back(static_cast<T>(as_signed(u)) / size);
    }
    return true;
  }
  return false;
}

template <class T>
bool find_real(Taps<T>& taps, Lines<T>& lines) {
  return find_whole(taps, lines) || find_floating(taps, lines);
}

template <class T>
void keep(const Problem& p, const Taps<T>& taps, const Lines<T>& lines, Factors& factors) {
  const auto size = static_cast<size_t>(itemsize(p.sum_type));
  factors.axes = taps.axes;
  for (const std::vector<T>& line : lines) {
    std::vector<char>& to = factors.taps.emplace_back(line.size() * size);
    for (size_t i = 0; i < line.size(); ++i) write_element(&to[i * size], p.sum_type, line[i], Narrowing::wrap);
  }
}

template <class T, class Find>
std::optional<Factors> factors_of(const Problem& p, const char* h, const Find& find) {
  if (!may_be_product<T>(p, h)) return {};
  Taps<T> taps(p, h);
  Lines<T> lines;
  Factors factors;
  if (!find(taps, lines)) return {};
  keep(p, taps, lines, factors);
  return factors;
}

}  // namespace

const char* Factors::of(int axis) const {
  const auto at = std::find(axes.begin(), axes.end(), axis) - axes.begin();
  return taps[static_cast<size_t>(at)].data();
}

std::optional<Factors> factorize(const Problem& p, const char* h) {
  switch (p.sum_type) {
    case DType::f32:
      return factors_of<float>(p, h, find_real<float>);
    case DType::f64:
      return factors_of<double>(p, h, find_real<double>);
    case DType::c64:
      return factors_of<std::complex<float>>(p, h, find_floating<std::complex<float>>);
    case DType::c128:
      return factors_of<std::complex<double>>(p, h, find_floating<std::complex<double>>);
    default:
      if (!is_integer(p.sum_type) || p.sum_type == DType::boolean) return {};
      return factors_of<std::uint64_t>(p, h, find_integers);
  }
}

}  // namespace convcorr
