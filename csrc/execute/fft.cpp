#include "execute/fft.h"

#include <algorithm>
#include <cstdlib>
#include <string>

#include "base/buffer.h"
#include "base/checked.h"
#include "execute/execute.h"
#include "execute/nonfinite_taps.h"
#include "execute/shared_tile.h"
#include "execute/spectra.h"

namespace convcorr {
namespace {

constexpr index_t most_spectra_bytes = index_t(256) << 20;  // kept at a time

index_t job_bytes(const FftPlan& f) {
  return TileJob::bytes(f) + Scratch::padded(f.filters * static_cast<index_t>(sizeof(index_t)));
}

// Slices and tiles of groups [first, first + count).
void run_tiles(const FftCall& call, const Arrays& arrays, const Spectra& spectra, index_t first, index_t count,
               const Run& run) {
  const FftPlan& f = call.f;
  const index_t jobs = checked_mul(checked_mul(count, f.batches), f.jobs_per_slice);
  run_jobs(jobs, run, [&](index_t number, Worker& worker) {
    const index_t slice = number / f.jobs_per_slice, begin = number % f.jobs_per_slice * f.tiles_per_job;
    const index_t group = slice / f.batches, batch = slice % f.batches;
    const char* x = arrays.x + offset_of(f.group, f.group_axes, first + group, &OuterAxis::x_stride) +
                    offset_of(f.batch, f.batch_axes, batch, &OuterAxis::x_stride);
    char* y = arrays.y + offset_of(f.group, f.group_axes, first + group, &OuterAxis::y_stride) +
              offset_of(f.batch, f.batch_axes, batch, &OuterAxis::y_stride);
    Scratch scratch(job_bytes(f));
    FftCall own = call;  // what a tile does again, it does on this thread, and stops where the team does
    own.run.threads = 1;
    own.run.interrupt = {[](void* state) { return static_cast<Worker*>(state)->should_stop(); }, &worker};
    TileJob job(own, scratch);
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

}  // namespace

FftBlocks blocks_of(const FftPlan& f) {
  FftBlocks blocks = {.axes = f.axes};
  for (int a = 0; a < f.axes; ++a) blocks.of[f.order[a]] = f.axis[a].block;
  return blocks;
}

void run_fft(const Problem& p, const FftPlan& f, const Arrays& arrays, const Run& run) {
  if (f.shared && run_shared_tile(p, f, arrays, run)) return;
  const index_t chunk = groups_at_a_time(f), bytes = Spectra::bytes(f, chunk);
  Scratch scratch(bytes, job_bytes(f));
  Spectra spectra(f, chunk, scratch.take<char>(bytes));
  for (index_t first = 0; first < f.groups; first += chunk) {
    const index_t count = std::min(chunk, f.groups - first);
    if (!spectra.load(p, arrays.h, first, count, run)) return run_finite_taps(p, f, arrays, run);
    const FftCall call = {p, f, spectra.scale(), run};
    spectra.transform(call.taps_scale, run);
    run_tiles(call, arrays, spectra, first, count, run);
  }
}

PreparedFft::PreparedFft(const Problem& p, const FftPlan& f, const char* h, const Run& run) : f_(f) {
  const index_t bytes = Spectra::bytes(f, f.groups);
  memory_.reset(static_cast<char*>(std::aligned_alloc(64, static_cast<std::size_t>(bytes))));
  if (!memory_) throw MemoryError("cannot allocate " + std::to_string(bytes) + " bytes for a plan's spectra");
  spectra_ = std::make_unique<Spectra>(f_, f_.groups, memory_.get());
  finite_ = spectra_->load(p, h, 0, f_.groups, run);
  if (!finite_) return;
  scale_ = spectra_->scale();
  spectra_->transform(scale_, run);
}

PreparedFft::~PreparedFft() = default;

bool PreparedFft::serves(const FftPlan& f) const {
  if (f.compute != f_.compute || f.axes != f_.axes || f.narrow != f_.narrow || f.lanes_free != f_.lanes_free ||
      f.groups != f_.groups || f.filters != f_.filters || f.tile.columns != f_.tile.columns) {
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
  if (!finite_) return run_finite_taps(p, f, arrays, run);
  run_tiles({p, f, scale_, run}, arrays, *spectra_, 0, f.groups, run);
}

}  // namespace convcorr
