#include "execute/shared_kernel.h"

#include <algorithm>
#include <vector>

#include "base/checked.h"
#include "problem/odometer.h"

namespace convcorr {
namespace {

constexpr index_t part_samples = 1 << 15;  // that a thread reads at a time

const FftAxisPlan& lane_of(const FftPlan& f) { return f.axis[f.axes - 1]; }

index_t rows_of_taps(const FftPlan& f) {
  index_t rows = 1;
  for (int a = 0; a < f.tile.columns; ++a) rows *= f.axis[a].axis.kernel;
  return rows;
}

DType plain_type(Compute c) {
  return c == Compute::f32 ? DType::f32 : c == Compute::f64 ? DType::f64 : c == Compute::c64 ? DType::c64 : DType::c128;
}

// A convolution takes h back to front, and taps stand back to front in a block.
bool reads_h_itself(const Problem& p, const FftPlan& f) {
  const SpatialAxis& lane = lane_of(f).axis;
  const bool conjugates = p.conjugate && is_complex(f.compute);
  return p.h_type == plain_type(f.compute) && !p.h_swapped && !conjugates && p.flip && lane.dilation == 1 &&
         lane.h_stride == itemsize(p.h_type);
}

}  // namespace

SharedKernel::SharedKernel(const Problem& p, const FftPlan& f, const char* h, Scratch& scratch)
    : p_(p), f_(f), h_(h), samples_(lane_of(f).span + 1), in_place_(reads_h_itself(p, f)) {
  turned_ = scratch.take<char>(in_place_ ? 0 : rows_of_taps(f) * samples_ * itemsize(f.compute));
  rows_ = scratch.take<const void*>(f.rows);
}

index_t SharedKernel::bytes(const Problem& p, const FftPlan& f) {
  const index_t turned = rows_of_taps(f) * (lane_of(f).span + 1) * itemsize(f.compute);
  return Scratch::padded(reads_h_itself(p, f) ? 0 : turned) +
         Scratch::padded(f.rows * static_cast<index_t>(sizeof(void*)));
}

// Samples [from, to) of rows of taps [first, end), in C order.
TapsSummary SharedKernel::read_rows(index_t first, index_t end, index_t from, index_t to) {
  const index_t size = itemsize(f_.compute);
  Odometer at;
  for (int a = 0; a < f_.tile.columns; ++a) at.add_axis(f_.axis[a].axis.kernel);
  at.seek(first);
  TapsSummary all;
  for (index_t i = first; i < end; ++i, at.next()) {
    const char* row = h_;
    index_t r = 0;
    for (int a = 0; a < f_.tile.columns; ++a) {
      const FftAxisPlan& c = f_.axis[a];
      row += (p_.flip ? c.axis.kernel - 1 - at.at[a] : at.at[a]) * c.axis.h_stride;
      r = r * c.block + (at.at[a] == 0 ? 0 : c.block - at.at[a] * c.axis.dilation);
    }
    char* turned = turned_ + i * samples_ * size;
    const TapsSummary sums = in_place_ ? sum_up_taps(f_, row + from * size, (to - from) * scalars(f_.compute))
                                       : turn_taps(p_, f_, row, from, to - from, turned + from * size);
    all.largest = std::max(all.largest, sums.largest);
    all.finite = all.finite && sums.finite;
    // Sample 0 stands at block - span; the last one at the block's end, from where `origin` takes it to its beginning.
    if (from == 0) rows_[r] = (in_place_ ? row : turned) - (lane_of(f_).block - lane_of(f_).span) * size;
  }
  return all;
}

bool SharedKernel::read(const Run& run) {
  std::fill_n(rows_, f_.rows, nullptr);
  const index_t rows = rows_of_taps(f_), together = std::max<index_t>(part_samples / samples_, 1);
  const index_t pieces = ceil_div(samples_, part_samples), parts = ceil_div(rows, together) * pieces;
  std::vector<TapsSummary> sums(static_cast<std::size_t>(parts));
  run_jobs(parts, run, [&](index_t part, Worker&) {
    const index_t first = part / pieces * together, from = part % pieces * part_samples;
    sums[static_cast<std::size_t>(part)] =
        read_rows(first, std::min(first + together, rows), from, std::min(from + part_samples, samples_));
  });
  bool finite = true;
  double largest = 0;
  for (const TapsSummary& s : sums) largest = std::max(largest, s.largest), finite = finite && s.finite;
  return finite && taps_scale(f_, largest) == 1;
}

FftInput SharedKernel::input(index_t part, double scale) const {
  const FftAxisPlan& lane = lane_of(f_);
  const int each = scalars(f_.compute), radix = (f_.tile.columns > 0 ? f_.tile.column[0] : f_.tile.lane).radix[0];
  const int blocks = radix / static_cast<int>(f_.shared_parts), first = static_cast<int>(part) * blocks;
  const double factor = scale / transform_gain(f_);
  return {rows_,
          (lane.block - lane.span) * each,
          lane.block * each,
          lane.block * each,
          factor,
          f_.tile.folded ? -factor : factor,
          first,
          first + blocks};
}

void* part_origin(const FftPlan& f, void* tile, index_t part) {
  return static_cast<char*>(tile) - part * (f.tile_bytes / f.shared_parts);
}

FftStrip shared_strip(const FftPlan& f, index_t number) {
  const index_t end = f.tile.columns > 0 ? f.tile.vectors : f.tile.lane.points / f.lanes / f.shared_blocks;
  const index_t first = number * f.shared_strip;
  return {f.shared_levels, first, std::min(first + f.shared_strip, end)};
}

bool make_shared_spectrum(const Problem& p, const FftPlan& f, const char* h, double scale, const Run& run,
                          void* spectrum) {
  Scratch scratch(SharedKernel::bytes(p, f));
  SharedKernel kernel(p, f, h, scratch);
  if (!kernel.read(run) && scale == 1) return false;
  const FftFunctions& fft = f.functions();
  run_jobs(f.shared_parts * f.shared_strips, run, [&](index_t job, Worker&) {
    fft.enter(f.tile, shared_strip(f, job % f.shared_strips), kernel.input(job / f.shared_strips, scale), spectrum);
  });
  run_jobs(ceil_div(f.shared_blocks, f.shared_blocks_per_job), run, [&](index_t job, Worker&) {
    const index_t first = job * f.shared_blocks_per_job;
    const index_t end = std::min(first + f.shared_blocks_per_job, f.shared_blocks);
    fft.middle(f.tile, f.shared_levels, first, end, nullptr, spectrum, false);
  });
  return true;
}

}  // namespace convcorr
