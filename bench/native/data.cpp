#include "data.h"

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>

#include "base/dtype.h"
#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace convcorr::bench {
namespace {

// Numerical Recipes' linear congruential generator: the same data in every run.
class Random {
 public:
  std::uint32_t bits() {
    state_ = state_ * 1664525u + 1013904223u;
    return state_ >> 8;
  }
  double around_one() { return 0.5 + static_cast<double>(bits() & 0xffffu) / 65536; }

 private:
  std::uint32_t state_ = 1;
};

template <class T>
void fill_floats(char* data, index_t n) {
  Random random;
  T* p = reinterpret_cast<T*>(data);
  for (index_t i = 0; i < n; ++i) p[i] = static_cast<T>(random.around_one());
}

void fill_halves(char* data, index_t n) {
  constexpr std::uint32_t one_half = 0x3800, mantissa = 0x03ff;
  Random random;
  auto* p = reinterpret_cast<std::uint16_t*>(data);
  for (index_t i = 0; i < n; ++i) p[i] = static_cast<std::uint16_t>(one_half | (random.bits() & mantissa));
}

void fill_bytes(char* data, index_t bytes, std::uint32_t mask) {
  Random random;
  for (index_t i = 0; i < bytes; ++i) data[i] = static_cast<char>(random.bits() & mask);
}

}  // namespace

Area::Area(index_t bytes, index_t offset) {
  constexpr index_t page = 4096, huge_page = 2 << 20, line = 64;
  const index_t needed = bytes + offset + line;
  const index_t alignment = needed >= huge_page ? huge_page : page;
  const index_t size = (needed + alignment - 1) / alignment * alignment;
  block_ = static_cast<char*>(std::aligned_alloc(static_cast<std::size_t>(alignment), static_cast<std::size_t>(size)));
  if (!block_) throw std::bad_alloc();
#if defined(__linux__)
  if (alignment == huge_page) madvise(block_, static_cast<std::size_t>(size), MADV_HUGEPAGE);
#endif
  std::memset(block_, 0, static_cast<std::size_t>(size));
  data_ = block_ + offset;
}

Area::~Area() { std::free(block_); }

void fill(DType t, char* data, index_t n) {
  switch (t) {
    case DType::boolean:
      return fill_bytes(data, n, 1);
    case DType::f16:
      return fill_halves(data, n);
    case DType::f32:
      return fill_floats<float>(data, n);
    case DType::f64:
      return fill_floats<double>(data, n);
    case DType::f80:
      return fill_floats<long double>(data, n);
    case DType::c64:
      return fill_floats<float>(data, 2 * n);
    case DType::c128:
      return fill_floats<double>(data, 2 * n);
    case DType::c160:
      return fill_floats<long double>(data, 2 * n);
    default:
      return fill_bytes(data, n * itemsize(t), 0xff);
  }
}

DType dtype_of(Compute c) {
  constexpr DType types[compute_count] = {DType::u16, DType::u32, DType::u64, DType::f32,
                                          DType::f64, DType::c64, DType::c128};
  return types[static_cast<int>(c)];
}

const char* name_of(DType t) {
  constexpr const char* names[dtype_count] = {"bool", "i8",  "u8",  "i16", "u16", "i32", "u32",  "i64",
                                              "u64",  "f16", "f32", "f64", "f80", "c64", "c128", "c160"};
  return names[static_cast<int>(t)];
}

}  // namespace convcorr::bench
