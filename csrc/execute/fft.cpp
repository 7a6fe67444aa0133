#include "execute/fft.h"

#include <algorithm>
#include <cstdlib>
#include <string>

#include "base/buffer.h"
#include "base/checked.h"
#include "execute/execute.h"
#include "execute/nonfinite_taps.h"
#include "execute/shared_kernel.h"
#include "execute/shared_tile.h"
#include "execute/spectra.h"

namespace convcorr {
namespace {

constexpr index_t most_spectra_bytes = index_t(256) << 20;  // kept at a time

index_t job_bytes(const FftPlan& f) {
  return TileJob::bytes(f) + Scratch::padded(f.filters * static_cast<index_t>(sizeof(index_t)));
}

// The slice of a group and a batch. Filters are of one group.
Arrays slice_at(const FftPlan& f, const Arrays& arrays, index_t group, index_t batch) {
  return {arrays.x + offset_of(f.group, f.group_axes, group, &OuterAxis::x_stride) +
              offset_of(f.batch, f.batch_axes, batch, &OuterAxis::x_stride),
          arrays.h + offset_of(f.group, f.group_axes, group, &OuterAxis::h_stride),
          arrays.y + offset_of(f.group, f.group_axes, group, &OuterAxis::y_stride) +
              offset_of(f.batch, f.batch_axes, batch, &OuterAxis::y_stride)};
}

// Slices and tiles of groups [first, first + count).
void run_tiles(const FftCall& call, const Arrays& arrays, const Spectra& spectra, index_t first, index_t count,
               const Run& run) {
  const FftPlan& f = call.f;
  const index_t jobs = checked_mul(checked_mul(count, f.batches), f.jobs_per_slice);
  run_jobs(jobs, run, [&](index_t number, Worker& worker) {
    const index_t slice = number / f.jobs_per_slice, begin = number % f.jobs_per_slice * f.tiles_per_job;
    const index_t group = slice / f.batches, batch = slice % f.batches;
    const Arrays at = slice_at(f, arrays, first + group, batch);
    Scratch scratch(job_bytes(f));
    FftCall own = call;  // what a tile does again, it does on this thread, and stops where the team does
    own.run.threads = 1;
    own.run.interrupt = interrupt_of(worker);
    TileJob job(own, scratch);
    auto* offsets = scratch.take<index_t>(f.filters);
    for (index_t k = 0; k < f.filters; ++k) {
      offsets[k] = offset_of(f.filter, f.filter_axes, k, &OuterAxis::y_stride);
    }
    const index_t end = std::min(begin + f.tiles_per_job, f.tiles);
    for (index_t t = begin; t < end && !worker.should_stop(); ++t) {
      job.run(at.x, at.y, tile_extent(f, t), spectra.of_group(group), offsets);
    }
  });
}

// Taps that aren't finite: the others by blocks of the same lengths.
void run_finite_taps(const Problem& p, const FftPlan& f, const Arrays& arrays, const Run& run) {
  sum_nonfinite_taps(p, arrays, run, [&](const Problem& finite, const Arrays& at) {
    Plan plan;
    make_plan(finite, Method::fft, plan, blocks_of(f));
    execute(finite, plan, at, run);
  });
}

index_t groups_at_a_time(const FftPlan& f) {
  return std::clamp<index_t>(most_spectra_bytes / Spectra::bytes(f, 1), 1, f.groups);
}

void run_apart(const Problem& p, const FftPlan& f, const Arrays& arrays, const Run& run) {
  const index_t chunk = groups_at_a_time(f), bytes = Spectra::bytes(f, chunk);
  Scratch scratch(bytes, job_bytes(f));
  Spectra spectra(f, chunk, scratch.take<char>(bytes));
  for (index_t first = 0; first < f.groups; first += chunk) {
    const index_t count = std::min(chunk, f.groups - first);
    if (!spectra.load(p, arrays.h, first, count, run)) return run_finite_taps(p, f, arrays, run);
    const FftCall call = {p, f, spectra.scale(), run};
    spectra.transform(p, call.taps_scale, run);
    run_tiles(call, arrays, spectra, first, count, run);
  }
}

// One slice as a Problem.
Problem slice_problem(const Problem& p, const FftPlan& f) {
  Problem slice = p;
  slice.outer_count = slice.spatial_count = 0;
  for (int a = 0; a < f.axes; ++a) slice.spatial[slice.spatial_count++] = f.axis[a].axis;
  return slice;
}

// What a shared tile couldn't take. Tiles by themselves can't leave positions out as a wrapping plan does.
void run_with_care(const Problem& p, const FftPlan& f, const Arrays& slice, const Run& run) {
  const Problem own = slice_problem(p, f);
  FftPlan other;
  FftBlocks blocks;
  blocks.may_wrap = false;
  if (!make_fft_plan(own, blocks, other, nullptr)) {
    Plan direct;
    make_plan(own, Method::direct, direct);
    return execute(own, direct, slice, run);
  }
  run_apart(own, other, slice, run);
}

index_t spectrum_pitch(const FftPlan& f) { return Scratch::padded(f.tile_bytes); }

// Slices of one tile each. Threads share a tile, or take one each where there are many or they are small: it makes no
// difference to the results. `spectra`: one for each group, or null; false where they couldn't be made.
void run_shared(const Problem& p, const FftPlan& f, const Arrays& arrays, const Run& run, char* spectra, bool usable) {
  const index_t slices = checked_mul(f.groups, f.batches);
  const auto one = [&](index_t number, const Run& own) {
    const index_t group = number / f.batches;
    const Arrays slice = slice_at(f, arrays, group, number % f.batches);
    void* const spectrum = spectra ? spectra + group * spectrum_pitch(f) : nullptr;
    if (!usable || !run_shared_tile(p, f, slice, own, spectrum)) run_with_care(p, f, slice, own);
  };
  Run own = run;
  own.seconds = run.seconds / static_cast<double>(slices);
  constexpr index_t small_bytes = 1 << 20;
  if (slices == 1 || (slices < 2 * run.threads && f.tile_bytes > small_bytes)) {
    for (index_t number = 0; number < slices; ++number) one(number, own);
    return;
  }
  run_jobs(slices, run, [&](index_t number, Worker& worker) {
    Run alone = own;
    alone.threads = 1;
    alone.interrupt = interrupt_of(worker);
    one(number, alone);
  });
}

}  // namespace

FftBlocks blocks_of(const FftPlan& f) {
  FftBlocks blocks = {.axes = f.axes};
  for (int a = 0; a < f.axes; ++a) blocks.of[f.order[a]] = f.axis[a].block;
  return blocks;
}

void run_fft(const Problem& p, const FftPlan& f, const Arrays& arrays, const Run& run) {
  if (!f.shared) return run_apart(p, f, arrays, run);
  if (f.groups > 1 || f.batches == 1) return run_shared(p, f, arrays, run, nullptr, true);
  Scratch scratch(spectrum_pitch(f), shared_tile_bytes(p, f, true));
  auto* spectrum = scratch.take<char>(f.tile_bytes);
  const bool usable = make_shared_spectrum(p, f, arrays.h, 1, run, spectrum);
  run_shared(p, f, arrays, run, spectrum, usable);
}

PreparedFft::PreparedFft(const Problem& p, const FftPlan& f, const char* h, const Run& run) : f_(f) {
  const index_t bytes = f.shared ? checked_mul(f.groups, spectrum_pitch(f)) : Spectra::bytes(f, f.groups);
  memory_.reset(static_cast<char*>(std::aligned_alloc(64, static_cast<std::size_t>(bytes))));
  if (!memory_) throw MemoryError("cannot allocate " + std::to_string(bytes) + " bytes for a plan's spectra");
  if (f.shared) {
    finite_ = true;
    for (index_t g = 0; g < f.groups && finite_; ++g) {
      const char* kernel = h + offset_of(f.group, f.group_axes, g, &OuterAxis::h_stride);
      finite_ = make_shared_spectrum(p, f_, kernel, 1, run, memory_.get() + g * spectrum_pitch(f));
    }
    return;
  }
  spectra_ = std::make_unique<Spectra>(f_, f_.groups, memory_.get());
  finite_ = spectra_->load(p, h, 0, f_.groups, run);
  if (!finite_) return;
  scale_ = spectra_->scale();
  spectra_->transform(p, scale_, run);
}

PreparedFft::~PreparedFft() = default;

bool PreparedFft::serves(const FftPlan& f) const {
  if (f.compute != f_.compute || f.axes != f_.axes || f.narrow != f_.narrow || f.lanes_free != f_.lanes_free ||
      f.shared != f_.shared || f.groups != f_.groups || f.filters != f_.filters || f.tile.columns != f_.tile.columns) {
    return false;
  }
  for (int a = 0; a < f.axes; ++a) {
    const FftAxisPlan &mine = f_.axis[a], &other = f.axis[a];
    if (other.block != mine.block || other.axis.kernel != mine.axis.kernel || f.order[a] != f_.order[a] ||
        other.axis.dilation != mine.axis.dilation) {
      return false;
    }
  }
  return !f.lanes_free || f.strip_samples == f_.strip_samples;
}

void PreparedFft::run(const Problem& p, const FftPlan& f, const Arrays& arrays, const Run& run) const {
  if (f.shared) return run_shared(p, f, arrays, run, memory_.get(), finite_);
  if (!finite_) return run_finite_taps(p, f, arrays, run);
  run_tiles({p, f, scale_, run}, arrays, *spectra_, 0, f.groups, run);
}

}  // namespace convcorr
