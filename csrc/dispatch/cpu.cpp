#include "dispatch/cpu.h"

#include <cstring>

namespace convcorr {
namespace {

#if defined(__x86_64__)

struct Leaf {
  unsigned a, b, c, d;
};

Leaf cpuid(unsigned leaf, unsigned sub) {
  Leaf r;
  asm volatile("cpuid" : "=a"(r.a), "=b"(r.b), "=c"(r.c), "=d"(r.d) : "a"(leaf), "c"(sub));
  return r;
}

// The register states that the operating system saves on a context switch. Needs OSXSAVE.
unsigned saved_states() {
  unsigned low, high;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
}

constexpr bool all(unsigned value, unsigned bits) { return (value & bits) == bits; }

bool has_sse42() { return all(cpuid(1, 0).c, 1u << 0 | 1u << 9 | 1u << 19 | 1u << 20 | 1u << 23); }

bool has_avx2() {
  constexpr unsigned osxsave = 1u << 27, avx = 1u << 28, fma = 1u << 12, f16c = 1u << 29, movbe = 1u << 22;
  if (!has_sse42() || !all(cpuid(1, 0).c, osxsave | avx | fma | f16c | movbe) || cpuid(0, 0).a < 7) return false;
  constexpr unsigned bmi1 = 1u << 3, avx2 = 1u << 5, bmi2 = 1u << 8;
  constexpr unsigned lzcnt = 1u << 5;
  const bool extended = cpuid(0x80000000u, 0).a >= 0x80000001u && all(cpuid(0x80000001u, 0).c, lzcnt);
  return extended && all(cpuid(7, 0).b, bmi1 | avx2 | bmi2) && all(saved_states(), 0x6);  // XMM, YMM
}

bool has_avx512() {
  constexpr unsigned f = 1u << 16, dq = 1u << 17, cd = 1u << 28, bw = 1u << 30, vl = 1u << 31;
  return has_avx2() && all(cpuid(7, 0).b, f | dq | cd | bw | vl) && all(saved_states(), 0xe6);  // and opmask, ZMM
}

#endif

}  // namespace

bool cpu_has_isa(const char* isa) {
  if (!std::strcmp(isa, "scalar")) return true;
#if defined(__x86_64__)
  if (!std::strcmp(isa, "sse42")) return has_sse42();
  if (!std::strcmp(isa, "avx2")) return has_avx2();
  if (!std::strcmp(isa, "avx512")) return has_avx512();
#elif defined(__aarch64__)
  if (!std::strcmp(isa, "neon")) return true;  // part of the architecture
#endif
  return false;
}

}  // namespace convcorr
