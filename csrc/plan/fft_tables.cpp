#include "plan/fft_tables.h"

#include <bit>
#include <cmath>
#include <map>
#include <mutex>
#include <new>
#include <vector>

#include "base/error.h"
#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#endif

namespace convcorr {
namespace {

constexpr index_t line = 64;
constexpr index_t most_kept_bytes = 64 << 20;

struct Root {
  long double re, im;
};

// e^(-2 pi i k / n) for any k: the product of two roots out of short tables, in long double.
class Roots {
 public:
  explicit Roots(index_t n) : n_(n), low_bits_(std::bit_width(static_cast<std::size_t>(n)) / 2) {
    const index_t low = index_t(1) << low_bits_;
    for (index_t k = 0; k < low; ++k) low_.push_back(exact(k));
    for (index_t k = 0; k < n; k += low) high_.push_back(exact(k));
  }

  Root operator()(index_t k) const {
    k %= n_;
    if (k < 0) k += n_;
    const Root a = high_[static_cast<std::size_t>(k >> low_bits_)];
    const Root b = low_[static_cast<std::size_t>(k & ((index_t(1) << low_bits_) - 1))];
    return {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
  }

 private:
  Root exact(index_t k) const {
    constexpr long double tau = 6.283185307179586476925286766559005768L;
    const long double angle = tau * static_cast<long double>(k) / static_cast<long double>(n_);
    return {std::cos(angle), -std::sin(angle)};
  }

  index_t n_;
  int low_bits_;
  std::vector<Root> low_, high_;
};

index_t base_radix(index_t lanes) { return lanes == 16 ? 4 : lanes; }

// Radix 4 in the pass that reads and writes the data: the 16 streams of radix 8 lie a power of two apart there and meet
// in the same cache sets (a quarter slower). Beyond the second-level cache radix 8 wins after all: fewer passes.
// What no power of two has goes first: there alone the kernels take it.
void choose_radices(FftAxis& axis, index_t points, bool large) {
  int bits = std::countr_zero(static_cast<std::size_t>(points));
  axis.levels = 0;
  if (const index_t odd = points >> bits; odd > 1) axis.radix[axis.levels++] = static_cast<unsigned char>(odd);
  const auto add = [&](int r) {
    if (axis.levels == max_fft_levels) throw MemoryError("a transform of too many points");
    axis.radix[axis.levels++] = static_cast<unsigned char>(1 << r);
    bits -= r;
  };
  while (large && bits >= 5) add(3);
  if (bits > 3 || bits == 2) add(2);
  while (bits % 2 == 1 && bits >= 3) add(3);
  while (bits >= 2) add(2);
  if (bits == 1) add(1);
}

// The twiddles of one level: of butterfly j, roots of j times a step for each.
struct Steps {
  int count;
  index_t step[8];
};

// w, w^2, ..., w^(radix / 2) of groups of n points, in roots of `of`.
Steps pairs_of(index_t of, index_t n, int radix) {
  Steps s = {radix / 2, {}};
  for (int k = 1; k <= radix / 2; ++k) s.step[k - 1] = of / n * k;
  return s;
}

// For every k, and with the fold's e^(i pi j / 2n), in roots of 4n. w^k beyond radix / 2 are conjugates as in pairs.
Steps folded_of(int radix) {
  Steps s = {radix, {}};
  for (int k = 0; k < radix; ++k) s.step[k] = 4 * (2 * k > radix ? k - radix : k) - 1;
  return s;
}

// Butterflies [0, count), `lanes` of them side by side; less 1 where `near`.
template <class T>
void write_twiddles(const Roots& roots, const Steps& s, index_t count, index_t lanes, bool near, T* out) {
  for (index_t j = 0; j < count; ++j) {
    for (int k = 0; k < s.count; ++k) {
      const Root w = roots(j * s.step[k]);
      T* at = out + ((j / lanes * s.count + k) * 2) * lanes + j % lanes;
      at[0] = static_cast<T>(near ? w.re - 1 : w.re);
      at[lanes] = static_cast<T>(w.im);
    }
  }
}

// One of every `apart` butterflies, as rounded, and what rounding took.
template <class T>
void write_far(const Roots& roots, const Steps& s, index_t count, index_t apart, T* out) {
  for (index_t j = 0; j < count; j += apart) {
    for (int k = 0; k < s.count; ++k, out += 4) {
      const Root w = roots(j * s.step[k]);
      out[0] = static_cast<T>(w.re);
      out[1] = static_cast<T>(w.im);
      out[2] = static_cast<T>(w.re - out[0]);
      out[3] = static_cast<T>(w.im - out[1]);
    }
  }
}

// The tables of an axis, one after the other: first counted, then written.
template <class T>
class Tables {
 public:
  Tables(const FftAxisKind& kind, const FftAxis& axis, T* memory)
      : kind_(kind), axis_(axis), of_(4 * kind.points), memory_(memory) {}

  void level(const Roots* roots, int l, index_t n, FftAxis& axis) {
    const int radix = axis_.radix[l];
    const Steps s = kind_.folded && l == 0 ? folded_of(radix) : pairs_of(of_, n, radix);
    const index_t count = n / radix, near = near_registers * kind_.lanes;
    const auto scalar_bytes = static_cast<index_t>(sizeof(T));
    const bool split = kind_.lanes > 1 && count * s.count * 2 * scalar_bytes > longest_table && count % near == 0;
    T* table = take(2 * s.count * (split ? near : count));
    T* far = split ? take(4 * s.count * (count / near)) : nullptr;
    if (!roots) return;
    write_twiddles(*roots, s, split ? near : count, kind_.lanes, split, table);
    if (split) write_far(*roots, s, count, near, far);
    axis.twiddles[l] = table;
    axis.far_twiddles[l] = far;
  }

  void base(const Roots* roots, FftAxis& axis) {
    const index_t radix = base_radix(kind_.lanes);
    T* table = take(2 * (radix / 2) * kind_.lanes);
    if (!roots) return;
    write_twiddles(*roots, pairs_of(of_, kind_.lanes * radix, static_cast<int>(radix)), kind_.lanes, kind_.lanes, false,
                   table);
    axis.base_twiddles = table;
  }

  index_t bytes() const { return scalars_ * static_cast<index_t>(sizeof(T)); }

 private:
  static constexpr index_t longest_table = 128 << 10;  // longer ones would come from afar, and be as large as the data

  T* take(index_t scalars) {
    T* const start = memory_ ? memory_ + scalars_ : nullptr;
    constexpr index_t in_line = line / sizeof(T);
    scalars_ += (scalars + in_line - 1) / in_line * in_line;
    return start;
  }

  const FftAxisKind& kind_;
  const FftAxis& axis_;
  const index_t of_;
  T* const memory_;
  index_t scalars_ = 0;
};

template <class T>
index_t write_tables(const FftAxisKind& kind, const Roots* roots, FftAxis& axis, T* memory) {
  Tables<T> tables(kind, axis, memory);
  index_t n = kind.points;
  for (int l = 0; l < axis.levels; n /= axis.radix[l++]) tables.level(roots, l, n, axis);
  if (kind.lanes > 1) tables.base(roots, axis);
  return tables.bytes();
}

template <class T>
std::shared_ptr<const FftAxisTables> make(const FftAxisKind& kind) {
  auto made = std::make_shared<FftAxisTables>();
  FftAxis& axis = made->axis;
  axis = {};
  const index_t base = kind.lanes == 1 ? 1 : kind.lanes * base_radix(kind.lanes);
  axis.points = kind.points;
  constexpr index_t near = 1 << 20;
  choose_radices(axis, kind.points / base, kind.points * 2 * static_cast<index_t>(sizeof(T)) > near);
  made->bytes = write_tables<T>(kind, nullptr, axis, nullptr) + line;
  made->memory.reset(new char[static_cast<std::size_t>(made->bytes)]);
  auto address = reinterpret_cast<std::size_t>(made->memory.get());
  const Roots roots(4 * kind.points);
  write_tables(kind, &roots, axis, reinterpret_cast<T*>((address + line - 1) / line * line));
  return made;
}

// Every table made, until they are too many.
struct Kept {
  std::mutex mutex;
  std::map<FftAxisKind, std::shared_ptr<const FftAxisTables>> tables;
  index_t bytes = 0;
};
Kept& kept() {
  static Kept& k = *[] {
    static Kept made;
#if defined(__unix__) || defined(__APPLE__)
    // A child forked while another thread makes a table must find the lock free.
    pthread_atfork([] { made.mutex.lock(); }, [] { made.mutex.unlock(); }, [] { made.mutex.unlock(); });
#endif
    return &made;
  }();
  return k;
}

}  // namespace

std::shared_ptr<const FftAxisTables> fft_axis(const FftAxisKind& kind) {
  Kept& all = kept();
  {
    const std::lock_guard<std::mutex> lock(all.mutex);
    if (const auto found = all.tables.find(kind); found != all.tables.end()) return found->second;
  }
  std::shared_ptr<const FftAxisTables> made;
  try {
    made = kind.f64 ? make<double>(kind) : make<float>(kind);
  } catch (const std::bad_alloc&) {
    throw MemoryError("no memory for the twiddles of a transform of " + std::to_string(kind.points) + " points");
  }
  const std::lock_guard<std::mutex> lock(all.mutex);
  all.bytes += made->bytes;
  if (all.bytes > most_kept_bytes) all.tables.clear(), all.bytes = 0;
  all.tables[kind] = made;
  return made;
}

void clear_fft_tables() {
  Kept& all = kept();
  const std::lock_guard<std::mutex> lock(all.mutex);
  all.tables.clear();
  all.bytes = 0;
}

}  // namespace convcorr
