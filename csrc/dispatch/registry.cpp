#include "dispatch/registry.h"

#include <string>
#include <string_view>

#include "base/error.h"
#include "dispatch/cpu.h"
#include "dispatch/environment.h"

// CONVCORR_ISAS is the build's list: X(name) for each, best first.
#define X(isa)                           \
  namespace convcorr::isa {              \
  extern const TapsTable taps;           \
  extern const RowsTable rows;           \
  extern const SumsTable sums;           \
  extern const ConvertTable convert;     \
  extern const FftTable fft;             \
  extern const GemmTable gemm;           \
  extern const WinogradTable winograd;   \
  extern const DepthwiseTable depthwise; \
  }
CONVCORR_ISAS
#undef X

namespace convcorr {
namespace {

// AVX2's kernels serve AVX-512 too: see prefers_narrow in plan/direct_plan.cpp and plan/fft_plan.cpp.
constexpr const TapsTable* narrow_taps([[maybe_unused]] std::string_view isa) {
#if defined(__x86_64__)
  if (isa == "avx512") return &avx2::taps;
#endif
  return nullptr;
}
constexpr const FftTable* narrow_fft([[maybe_unused]] std::string_view isa) {
#if defined(__x86_64__)
  if (isa == "avx512") return &avx2::fft;
#endif
  return nullptr;
}

#define X(isa)                                                                                        \
  constexpr Kernels kernels_##isa = {#isa,       &isa::taps,     narrow_taps(#isa), &isa::rows,       \
                                     &isa::sums, &isa::convert,  &isa::fft,         narrow_fft(#isa), \
                                     &isa::gemm, &isa::winograd, &isa::depthwise};
CONVCORR_ISAS
#undef X

constexpr const Kernels* built[] = {
#define X(isa) &kernels_##isa,
    CONVCORR_ISAS
#undef X
};

const Kernels& choose() {
  const char* forced = forced_isa();
  std::string available;
  for (const Kernels* k : built) {
    if (!cpu_has_isa(k->isa)) continue;
    if (!forced || k->isa == std::string(forced)) return *k;
    available += available.empty() ? k->isa : std::string(", ") + k->isa;
  }
  throw ValueError("CONVCORR_ISA names '" + std::string(forced ? forced : "") +
                   "', which was not built or which this CPU lacks; it takes one of: " + available);
}

}  // namespace

std::span<const Kernels* const> built_kernels() { return built; }

const Kernels& kernels() {
  static const Kernels& chosen = choose();
  return chosen;
}

}  // namespace convcorr
