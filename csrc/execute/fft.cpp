#include "execute/fft.h"

#include <algorithm>
#include <atomic>
#include <cmath>

#include "base/buffer.h"
#include "base/checked.h"
#include "execute/direct.h"
#include "execute/spectrum.h"
#include "execute/tile.h"

namespace convcorr {
namespace {

constexpr index_t most_spectra_bytes = index_t(256) << 20;  // kept at a time

// Byte offset of combination `number` of some outer axes, by one of their strides.
index_t offset_of(const OuterAxis* axes, int count, index_t number, index_t OuterAxis::* stride) {
  index_t offset = 0;
  for (int a = count - 1; a >= 0; --a) {
    offset += number % axes[a].size * (axes[a].*stride);
    number /= axes[a].size;
  }
  return offset;
}

const char* kernel_of(const FftPlan& f, const Arrays& arrays, index_t group, index_t filter) {
  return arrays.h + offset_of(f.group, f.group_axes, group, &OuterAxis::h_stride) +
         offset_of(f.filter, f.filter_axes, filter, &OuterAxis::h_stride);
}

// 1 where transforms of the taps neither overflow nor go denormal, else the power of two that makes their norm 1.
double scale_of(const FftPlan& f, double norm) {
  const bool f64 = f.compute == Compute::f64 || f.compute == Compute::c128;
  const double far = f64 ? 0x1p300 : 0x1p30;
  if (norm == 0 || (norm < far && norm > 1 / far)) return 1;
  return std::ldexp(1.0, -std::ilogb(norm));
}

// The kernels of some groups, loaded and transformed.
class Spectra {
 public:
  Spectra(const Problem& p, const FftPlan& f, const Arrays& arrays, index_t most_groups)
      : p_(p),
        f_(f),
        arrays_(arrays),
        taps_bytes_(Scratch::padded(f.taps * itemsize(f.compute))),
        spectrum_bytes_(Scratch::padded(f.spectrum_bytes)),
        scratch_(checked_mul(checked_mul(most_groups, f.filters),
                             taps_bytes_ + spectrum_bytes_ + static_cast<index_t>(sizeof(KernelView))) +
                     4 * Scratch::line,
                 f.job_bytes + WindowGuard::bytes(f)) {
    const index_t n = most_groups * f.filters;
    taps_ = scratch_.take<char>(n * taps_bytes_);
    spectra_ = scratch_.take<char>(n * spectrum_bytes_);
    views_ = scratch_.take<KernelView>(n);
  }

  // Loads the taps of groups [first, first + count). False where some aren't finite.
  bool load(index_t first, index_t count, const Run& run) {
    std::atomic<bool> finite{true};
    run_jobs(count * f_.filters, run, [&](index_t i, Worker&) {
      const char* h = kernel_of(f_, arrays_, first + i / f_.filters, i % f_.filters);
      char* taps = taps_ + i * taps_bytes_;
      load_taps(p_, f_, h, taps);
      if (!taps_are_finite(f_, taps)) finite.store(false, std::memory_order_relaxed);
      views_[i] = {spectra_ + i * spectrum_bytes_, taps, h};
    });
    count_ = count * f_.filters;
    return finite.load(std::memory_order_relaxed);
  }

  // One scale for all: the guard's careful way undoes it.
  double scale() const {
    double low = 0, high = 0;
    for (index_t i = 0; i < count_; ++i) {
      const double norm = taps_norm(f_, views_[i].taps);
      if (norm > 0) low = low == 0 ? norm : std::min(low, norm), high = std::max(high, norm);
    }
    return scale_of(f_, low) == 1 ? scale_of(f_, high) : scale_of(f_, low);
  }

  void transform(double scale, const Run& run) {
    run_jobs(count_, run, [&](index_t i, Worker&) {
      make_spectrum(f_, views_[i].taps, scale, spectra_ + i * spectrum_bytes_);
    });
  }

  const KernelView* of_group(index_t i) const { return views_ + i * f_.filters; }

 private:
  const Problem& p_;
  const FftPlan& f_;
  const Arrays& arrays_;
  const index_t taps_bytes_, spectrum_bytes_;
  Scratch scratch_;
  char *taps_, *spectra_;
  KernelView* views_;
  index_t count_ = 0;
};

// Slices and tiles of groups [first, first + count).
void run_tiles(const FftCall& call, const Arrays& arrays, const Spectra& spectra, index_t first, index_t count,
               const Run& run) {
  const FftPlan& f = call.f;
  const index_t job_bytes = f.job_bytes + WindowGuard::bytes(f);
  const index_t jobs = checked_mul(checked_mul(count, f.batches), f.jobs_per_slice);
  run_jobs(jobs, run, [&](index_t number, Worker& worker) {
    const index_t slice = number / f.jobs_per_slice, begin = number % f.jobs_per_slice * f.tiles_per_job;
    const index_t group = slice / f.batches, batch = slice % f.batches;
    const char* x = arrays.x + offset_of(f.group, f.group_axes, first + group, &OuterAxis::x_stride) +
                    offset_of(f.batch, f.batch_axes, batch, &OuterAxis::x_stride);
    char* y = arrays.y + offset_of(f.group, f.group_axes, first + group, &OuterAxis::y_stride) +
              offset_of(f.batch, f.batch_axes, batch, &OuterAxis::y_stride);
    Scratch scratch(job_bytes);
    TileJob job(call, scratch);
    auto* offsets = scratch.take<index_t>(f.filters);
    for (index_t k = 0; k < f.filters; ++k) {
      offsets[k] = offset_of(f.filter, f.filter_axes, k, &OuterAxis::y_stride);
    }
    const index_t end = std::min(begin + f.tiles_per_job, f.tiles);
    for (index_t t = begin; t < end && !worker.should_stop(); ++t) {
      job.run(x, y, tile_extent(f, t), spectra.of_group(group), offsets);
    }
  });
}

}  // namespace

void run_fft(const Problem& p, const FftPlan& f, const Arrays& arrays, const Run& run) {
  const index_t group_bytes = checked_mul(f.filters, f.spectrum_bytes + f.taps * itemsize(f.compute));
  const index_t chunk = std::clamp<index_t>(most_spectra_bytes / group_bytes, 1, f.groups);
  Spectra spectra(p, f, arrays, chunk);
  for (index_t first = 0; first < f.groups; first += chunk) {
    const index_t count = std::min(chunk, f.groups - first);
    if (!spectra.load(first, count, run)) {
      DirectPlan direct;
      make_direct_plan(p, direct);
      return run_direct(p, direct, arrays, run);
    }
    const FftCall call = {p, f, spectra.scale()};
    spectra.transform(call.taps_scale, run);
    run_tiles(call, arrays, spectra, first, count, run);
  }
}

}  // namespace convcorr
