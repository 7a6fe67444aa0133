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

// e^(-2 pi i k / n) for any k: the product of two roots out of short tables, in long double. n is a power of two.
class Roots {
 public:
  explicit Roots(index_t n) : n_(n), low_bits_(std::bit_width(static_cast<std::size_t>(n)) / 2) {
    const index_t low = index_t(1) << low_bits_;
    for (index_t k = 0; k < low; ++k) low_.push_back(exact(k));
    for (index_t k = 0; k < n; k += low) high_.push_back(exact(k));
  }

  Root operator()(index_t k) const {
    k &= n_ - 1;  // negative k too
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
void choose_radices(FftAxis& axis, index_t points, bool large) {
  int bits = std::countr_zero(static_cast<std::size_t>(points));
  axis.levels = 0;
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

// A table being written: `lanes` butterflies side by side.
template <class T>
class Writer {
 public:
  Writer(T* out, index_t lanes, int values) : out_(out), lanes_(lanes), values_(values) {}
  void put(index_t j, int k, Root w) {
    T* at = out_ + ((j / lanes_ * values_ + k) * 2) * lanes_ + j % lanes_;
    at[0] = static_cast<T>(w.re);
    at[lanes_] = static_cast<T>(w.im);
  }

 private:
  T* out_;
  index_t lanes_;
  int values_;
};

// Butterflies j of radix R over groups of n points: w^k = e^(-2 pi i j k / n).
template <class T>
void write_pairs(const Roots& roots, index_t of, index_t n, int radix, index_t lanes, T* out) {
  Writer<T> write(out, lanes, radix / 2);
  for (index_t j = 0; j < n / radix; ++j) {
    for (int k = 1; k <= radix / 2; ++k) write.put(j, k - 1, roots(of / n * j * k));
  }
}

// The same with the fold's e^(i pi j / 2n), for every k; w^k beyond radix / 2 are conjugates as in write_pairs.
template <class T>
void write_folded(const Roots& roots, index_t n, int radix, index_t lanes, T* out) {
  Writer<T> write(out, lanes, radix);
  for (index_t j = 0; j < n / radix; ++j) {
    for (int k = 0; k < radix; ++k) write.put(j, k, roots(4 * j * (2 * k > radix ? k - radix : k) - j));
  }
}

template <class T>
std::shared_ptr<const FftAxisTables> make(const FftAxisKind& kind) {
  auto made = std::make_shared<FftAxisTables>();
  FftAxis& axis = made->axis;
  const index_t lanes = kind.lanes, base = lanes == 1 ? 1 : lanes * base_radix(lanes);
  const bool lane = lanes > 1;
  axis.points = kind.points;
  constexpr index_t near = 1 << 20;
  choose_radices(axis, kind.points / base, kind.points * 2 * static_cast<index_t>(sizeof(T)) > near);

  const auto values = [&](int l) { return kind.folded && l == 0 ? int(axis.radix[l]) : axis.radix[l] / 2; };
  index_t scalars = 0, n = kind.points, starts[max_fft_levels + 1];
  const auto take = [&](index_t butterflies, int each) {
    const index_t start = scalars;
    scalars += (2 * butterflies * each * static_cast<index_t>(sizeof(T)) + line - 1) / line * line / sizeof(T);
    return start;
  };
  for (int l = 0; l < axis.levels; n /= axis.radix[l++]) starts[l] = take(n / axis.radix[l], values(l));
  if (lane) starts[axis.levels] = take(lanes, static_cast<int>(base_radix(lanes) / 2));

  made->memory.reset(new char[static_cast<std::size_t>(scalars) * sizeof(T) + line]);
  auto address = reinterpret_cast<std::size_t>(made->memory.get());
  T* tables = reinterpret_cast<T*>((address + line - 1) / line * line);
  const index_t of = 4 * kind.points;
  const Roots roots(of);
  n = kind.points;
  for (int l = 0; l < axis.levels; n /= axis.radix[l++]) {
    axis.twiddles[l] = tables + starts[l];
    if (kind.folded && l == 0) {
      write_folded<T>(roots, n, axis.radix[l], lanes, tables + starts[l]);
    } else {
      write_pairs<T>(roots, of, n, axis.radix[l], lanes, tables + starts[l]);
    }
  }
  axis.base_twiddles = nullptr;
  if (lane) {
    axis.base_twiddles = tables + starts[axis.levels];
    write_pairs<T>(roots, of, base, static_cast<int>(base_radix(lanes)), lanes, tables + starts[axis.levels]);
  }
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
  all.bytes += 2 * kind.points * (kind.f64 ? 16 : 8);
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
