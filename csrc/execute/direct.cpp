#include "execute/direct.h"

#include <algorithm>
#include <atomic>

#include "base/buffer.h"
#include "base/checked.h"
#include "dispatch/registry.h"
#include "execute/cut.h"
#include "execute/lines.h"
#include "execute/mend.h"
#include "execute/nonfinite_taps.h"
#include "execute/pack.h"
#include "execute/settle.h"
#include "execute/sums.h"
#include "execute/tap_list.h"
#include "problem/odometer.h"

namespace convcorr {
namespace {

// One call, as all its jobs see it.
struct Call {
  const Problem& p;
  const DirectPlan& d;
  const Arrays& arrays;
  const void* taps;     // shared by all slices, or null
  const TapList* list;  // of sums in a fixed order, or null
  std::atomic<bool>& taps_finite;
};

// Splits a strip into the bands whose lines are read in place and those that need a border.
//   |  made  |            in place            |  made  |
int split_bands(const DirectPlan& d, index_t first, index_t count, Band (&bands)[3]) {
  const index_t end = first + count, edge = d.register_elements;
  index_t low = std::max(first, -d.lane.offset);
  index_t high = std::min(end, d.lane.in - d.lane_span - d.lane.offset);
  if (low > first) low = std::max(low, first + edge);  // whole registers in the edges too
  if (high < end) high = std::min(high, end - edge);
  if (!d.in_place || high - low < edge) {
    bands[0] = {first, count, false};
    return 1;
  }
  int n = 0;
  bands[n++] = {low, high - low, true};
  if (low > first) bands[n++] = {first, low - first, false};
  if (high < end) bands[n++] = {high, end - high, false};
  return n;
}

// Everything one job works with.
class Job {
 public:
  Job(const Call& call, Scratch& scratch) : call_(call), d_(call.d), lines_(call.p, call.d, scratch) {
    sums_ = scratch.take<char>(d_.block_rows * sum_stride());
    if (d_.ordered || d_.settled) pointers_ = scratch.take<const void*>(d_.taps);
    if (d_.taps_per_slice) own_taps_ = scratch.take<char>(d_.taps_bytes);
    store_ = kernels().convert->store[static_cast<int>(d_.compute)][static_cast<int>(call.p.y_type)];
  }

  void run_slice(index_t number, const Extent& extent, Worker& worker) {
    slice_ = slice_at(d_, call_.arrays, number);
    if (d_.taps_per_slice && slice_.arrays.h != packed_) {
      packed_ = slice_.arrays.h;
      if (!pack_taps(call_.p, d_, packed_, own_taps_, Run{})) call_.taps_finite.store(false, std::memory_order_relaxed);
    }
    lines_.start_slice(slice_.arrays.x, slice_.at);
    Band bands[3];
    const int n = split_bands(d_, extent.first, extent.count, bands);
    for (int b = 0; b < n; ++b) {
      band_ = bands[b];
      lines_.start_band(band_);
      if (d_.shares_planes) lines_.keep_planes(extent.row, extent.rows);
      each_block(d_, extent, [&](index_t row, index_t step, int rows) {
        run_block(row, step, rows);
        return !worker.should_stop();
      });
    }
  }

 private:
  index_t sum_stride() const { return std::max(d_.strip, d_.register_elements) * itemsize(d_.compute); }

  void run_block(index_t row, index_t step, int count) {
    void* out[8];
    for (int r = 0; r < count; ++r) {
      out[r] = d_.out_in_place ? output(row + r * step) : sums_ + r * sum_stride();
    }
    const void* taps = call_.taps ? call_.taps : own_taps_;
    const void* const* const* planes = lines_.block(row, count);
    const bool dense = d_.lane.stride == 1 && d_.lane.dilation == 1;
    const RowsBlock block = {planes, taps,  lines_.columns(), dense, d_.planes, d_.row.kernel, d_.lane.kernel,
                             out,    count, band_.count};
    if (d_.ordered) {
      for (int r = 0; r < count; ++r) {
        call_.list->sum_row(planes, r, lines_.columns(), pointers_, out[r], band_.count);
      }
    } else if (d_.one_row) {
      run_row(block);
    } else {
      kernels().rows->of[static_cast<int>(d_.compute)](block);
      if (needs_mending()) mend_rows(d_.compute, block);
    }
    for (int r = 0; r < count && d_.settled; ++r) {
      settle_row(d_, *call_.list, planes, r, lines_.columns(), pointers_, out[r], band_.count);
    }
    if (d_.out_in_place) return;
    for (int r = 0; r < count; ++r) {
      divide_row(d_.compute, call_.p, out[r], band_.count);
      store_(out[r], band_.count, output(row + r * step), d_.lane.y_stride);
    }
  }

  // The 1-D kernel over a block of one line. What is looked at afterwards is made in pieces that stay in the first
  // cache.
  void run_row(const RowsBlock& block) {
    const TapsTable& table = d_.narrow ? *kernels().narrow_taps : *kernels().taps;
    const taps_fn kernel = table.of[static_cast<int>(d_.compute)];
    const auto* line = static_cast<const char*>(block.planes[0][0]);
    if (!needs_mending()) return kernel(line, block.taps, block.kw, block.out[0], block.m);
    const index_t size = itemsize(d_.compute), piece = (index_t(16) << 10) / size;
    for (index_t first = 0, n = 0; first < block.m; first += n) {
      n = block.m - first < 2 * piece ? block.m - first : piece;
      const void* from = line + first * size;
      const void* const* lines = &from;
      void* out = static_cast<char*>(block.out[0]) + first * size;
      kernel(from, block.taps, block.kw, out, n);
      RowsBlock part = block;
      part.planes = &lines;
      part.out = &out;
      part.m = n;
      mend_rows(d_.compute, part);
    }
  }

  bool needs_mending() const { return is_pair(d_.compute) && is_complex(call_.p.x_type); }

  char* output(index_t row) const { return slice_.arrays.y + row * d_.row.y_stride + band_.first * d_.lane.y_stride; }

  const Call& call_;
  const DirectPlan& d_;
  Lines lines_;
  Slice slice_ = {};
  Band band_ = {};
  char* sums_;
  const void** pointers_ = nullptr;
  char* own_taps_ = nullptr;
  const char* packed_ = nullptr;
  store_fn store_;
};

// Start reading here: job `number` is some slices, some of their rows, and a strip of those.
void run_job(const Call& call, index_t number, Worker& worker) {
  const DirectPlan& d = call.d;
  const Extent extent = extent_of_job(d, number);
  Scratch scratch(d.job_bytes);
  Job job(call, scratch);
  for (index_t s = extent.slice; s < extent.last_slice && !worker.should_stop(); ++s) job.run_slice(s, extent, worker);
}

// Infinite complex taps meet the 0 that a real sample's imaginary part is.
void run_as_complex(const Problem& p, const Arrays& arrays, Run run) {
  DirectPlan d;
  make_direct_plan(p, d, Products::complex);
  run.seconds = d.seconds;
  run_direct(p, d, arrays, run);
}

// `taps` is null where each slice has its own.
void run_packed(const Problem& p, const DirectPlan& d, const Arrays& arrays, const void* taps,
                std::atomic<bool>& taps_finite, const Run& run) {
  const bool as_complex = is_pair(d.compute) && is_complex(p.h_type);
  const auto apart = [&] {
    return !taps_finite.load(std::memory_order_relaxed) && (as_complex || reads_zero_border(p));
  };
  if (!apart()) {
    const Call call = {p, d, arrays, taps, nullptr, taps_finite};
    run_jobs(d.jobs, run, [&call](index_t number, Worker& worker) { run_job(call, number, worker); });
    if (!apart()) return;  // of taps that each slice packs for itself, this is known now
  }
  if (as_complex) return run_as_complex(p, arrays, run);
  sum_nonfinite_taps(p, arrays, run, [&run](const Problem& finite, const Arrays& at) {
    DirectPlan plan;
    make_direct_plan(finite, plan);
    run_direct(finite, plan, at, run);
  });
}

// No look at infinite taps: in a fixed order they meet the border's zeros as they meet samples.
void run_ordered(const Problem& p, const DirectPlan& d, const Arrays& arrays, const Run& run) {
  const TapList list(p, d, arrays.h);
  std::atomic<bool> finite{true};
  Scratch scratch(d.taps_bytes, d.job_bytes);
  void* taps = scratch.take_bytes(d.taps_bytes);
  if (d.settled) pack_taps(p, d, arrays.h, taps, run);
  const Call call = {p, d, arrays, taps, &list, finite};
  run_jobs(d.jobs, run, [&call](index_t number, Worker& worker) { run_job(call, number, worker); });
}

}  // namespace

void run_direct(const Problem& p, const DirectPlan& d, const Arrays& arrays, const Run& run) {
  if (d.ordered || d.settled) return run_ordered(p, d, arrays, run);
  const bool shared_taps = !d.taps_per_slice;
  Scratch scratch(shared_taps ? d.taps_bytes : 0, d.job_bytes);
  std::atomic<bool> taps_finite{true};
  void* taps = nullptr;
  if (shared_taps) {
    taps = scratch.take_bytes(d.taps_bytes);
    taps_finite.store(pack_taps(p, d, arrays.h, taps, run), std::memory_order_relaxed);
  }
  run_packed(p, d, arrays, taps, taps_finite, run);
}

PreparedTaps::PreparedTaps(const Problem& p, const DirectPlan& d, const char* h, const Run& run)
    : d_(d), taps_(static_cast<std::size_t>(d.taps_bytes)) {
  finite_ = pack_taps(p, d, h, taps_.data(), run);
}

// Taps lie as [channels][plane axes][row][lane], so it matters which of the kernel's axes each is.
bool PreparedTaps::serves(const DirectPlan& d) const {
  const auto same = [](const SpatialAxis& a, const SpatialAxis& b) {
    return a.kernel == b.kernel && a.h_stride == b.h_stride;
  };
  bool serve = d.compute == d_.compute && d.planes == d_.planes && d.plane_axes == d_.plane_axes &&
               d.channel_axes == d_.channel_axes && !d.taps_per_slice && same(d.row, d_.row) && same(d.lane, d_.lane);
  for (int a = 0; a < d.plane_axes && serve; ++a) serve = same(d.plane[a], d_.plane[a]);
  return serve;
}

void PreparedTaps::run(const Problem& p, const DirectPlan& d, const Arrays& arrays, const Run& run) const {
  std::atomic<bool> finite{finite_};
  run_packed(p, d, arrays, taps_.data(), finite, run);
}

}  // namespace convcorr
