#include "execute/spectra.h"

#include <algorithm>
#include <atomic>

#include "base/buffer.h"
#include "base/checked.h"
#include "execute/shared_kernel.h"
#include "execute/spectrum.h"

namespace convcorr {
namespace {

constexpr index_t taps_at_a_time = 1 << 18;  // between two looks for an interrupt

index_t taps_bytes(const FftPlan& f) { return Scratch::padded(f.taps * itemsize(f.compute)); }
index_t view_bytes(const FftPlan& f, index_t groups) {
  return Scratch::padded(groups * f.filters * static_cast<index_t>(sizeof(KernelView)));
}

}  // namespace

index_t offset_of(const OuterAxis* axes, int count, index_t number, index_t OuterAxis::* stride) {
  index_t offset = 0;
  for (int a = count - 1; a >= 0; --a) {
    offset += number % axes[a].size * (axes[a].*stride);
    number /= axes[a].size;
  }
  return offset;
}

index_t Spectra::bytes(const FftPlan& f, index_t groups) {
  const index_t each = checked_add(taps_bytes(f), Scratch::padded(f.spectrum_bytes));
  return checked_add(checked_mul(checked_mul(groups, f.filters), each), view_bytes(f, groups));
}

Spectra::Spectra(const FftPlan& f, index_t most_groups, char* memory)
    : f_(f), taps_bytes_(taps_bytes(f)), spectrum_bytes_(Scratch::padded(f.spectrum_bytes)) {
  const index_t n = most_groups * f.filters;
  views_ = reinterpret_cast<KernelView*>(memory);
  spectra_ = memory + view_bytes(f, most_groups);
  taps_ = spectra_ + n * spectrum_bytes_;
}

bool Spectra::load(const Problem& p, const char* h, index_t first, index_t count, const Run& run) {
  std::atomic<bool> finite{true};
  run_jobs(count * f_.filters, run, [&](index_t i, Worker& worker) {
    const index_t group = first + i / f_.filters, filter = i % f_.filters;
    const char* kernel = h + offset_of(f_.group, f_.group_axes, group, &OuterAxis::h_stride) +
                         offset_of(f_.filter, f_.filter_axes, filter, &OuterAxis::h_stride);
    char* taps = taps_ + i * taps_bytes_;
    double largest = 0;
    for (index_t at = 0; at < f_.taps && !worker.should_stop(); at += taps_at_a_time) {
      const TapsSummary sums = load_taps(p, f_, kernel, at, std::min(taps_at_a_time, f_.taps - at), taps);
      if (!sums.finite) finite.store(false, std::memory_order_relaxed);
      largest = std::max(largest, sums.largest);
    }
    views_[i] = {spectra_ + i * spectrum_bytes_, taps, kernel, largest};
  });
  count_ = count * f_.filters;
  return finite.load(std::memory_order_relaxed);
}

double Spectra::scale() const {
  double low = 0, high = 0;
  for (index_t i = 0; i < count_; ++i) {
    const double largest = views_[i].largest;
    if (largest > 0) low = low == 0 ? largest : std::min(low, largest), high = std::max(high, largest);
  }
  return taps_scale(f_, low) == 1 ? taps_scale(f_, high) : taps_scale(f_, low);
}

void Spectra::transform(const Problem& p, double scale, const Run& run) {
  if (f_.shared) {  // so long that all threads share it, and that it must hear an interrupt
    for (index_t i = 0; i < count_; ++i) {
      make_shared_spectrum(p, f_, views_[i].h, scale, run, spectra_ + i * spectrum_bytes_);
    }
    return;
  }
  run_jobs(count_, run,
           [&](index_t i, Worker&) { make_spectrum(f_, views_[i].taps, scale, spectra_ + i * spectrum_bytes_); });
}

}  // namespace convcorr
