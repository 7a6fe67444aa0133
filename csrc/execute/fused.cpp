#include "execute/fused.h"

#include <algorithm>
#include <optional>

#include "base/buffer.h"
#include "dispatch/registry.h"
#include "execute/box_columns.h"
#include "execute/cut.h"
#include "execute/lines.h"
#include "execute/load.h"
#include "execute/pack.h"
#include "execute/settle.h"
#include "execute/sums.h"
#include "execute/tap_list.h"
#include "problem/element.h"

namespace convcorr {
namespace {

// One filter's kernel: packed, or as a list where the sums' order is fixed.
struct Taps {
  const void* packed;
  std::optional<TapList> list;
};

// One call, as all its jobs see it.
struct Call {
  const FusedPlan& plan;
  Arrays arrays;
  Taps first, second;
};

class Job {
 public:
  Job(const Call& call, Scratch& scratch)
      : call_(call), plan_(call.plan), d_(plan_.rows), lines_(plan_.first, d_, scratch), size_(itemsize(d_.compute)) {
    rows_ = scratch.take<char>(d_.block_rows * plan_.row_bytes);
    sums_ = scratch.take<char>(plan_.row_bytes);
    pointers_ = scratch.take<const void*>(std::max(d_.taps, plan_.line.taps));
    columns_ = scratch.take<index_t>(plan_.line.lane.kernel);
    if (plan_.box_rows) box_.emplace(d_.compute, d_.row.kernel, plan_.row_bytes, scratch);
    if (plan_.box_line) tree_ = scratch.take<char>(plan_.row_bytes);
    if (plan_.narrows) narrowed_ = scratch.take<char>(plan_.row_bytes / size_ * itemsize(plan_.between));
    store_ = kernels().convert->store[static_cast<int>(d_.compute)][static_cast<int>(plan_.first.y_type)];
    const index_t step = plan_.line.lane.dilation * scalars(d_.compute);
    for (index_t t = 0; t < plan_.line.lane.kernel; ++t) columns_[t] = t * step;
  }

  void run_slice(index_t number, const Extent& extent, Worker& worker) {
    slice_ = slice_at(d_, call_.arrays, number);
    extent_ = extent;
    lines_.start_slice(slice_.arrays.x, slice_.at);
    lines_.start_band({extent.first, extent.count + d_.overlap, false});
    if (box_) box_->start();
    each_block(d_, extent, [&](index_t row, index_t step, int count) {
      const void* const* const* planes = lines_.block(row, count);
      if (d_.row.kernel > 1) sum_columns(planes, count);
      for (int r = 0; r < count; ++r) {
        const void* sums = d_.row.kernel > 1 ? finish_sums(row_of_sums(r)) : planes[0][r];
        finish_row(sums, row + r * step);
      }
      return !worker.should_stop();
    });
  }

 private:
  char* row_of_sums(int r) const { return rows_ + r * plan_.row_bytes; }
  index_t wide() const { return extent_.count + d_.overlap; }

  // The first filter.
  void sum_columns(const void* const* const* planes, int count) {
    void* out[8];
    for (int r = 0; r < count; ++r) out[r] = row_of_sums(r);
    if (box_) {
      for (int r = 0; r < count; ++r) box_->next(planes[0] + r, out[r], wide());
      return;
    }
    if (d_.ordered) {
      for (int r = 0; r < count; ++r) {
        call_.first.list->sum_row(planes, r, lines_.columns(), pointers_, out[r], wide());
      }
      return;
    }
    kernels().rows->of[static_cast<int>(d_.compute)]({planes, call_.first.packed, lines_.columns(), true, d_.planes,
                                                      d_.row.kernel, d_.lane.kernel, out, count, wide()});
    for (int r = 0; r < count && d_.settled; ++r) {
      settle_row(d_, *call_.first.list, planes, r, lines_.columns(), pointers_, out[r], wide());
    }
  }

  // A row of first's sums as the second filter is to see it.
  const void* finish_sums(char* sums) {
    divide_row(d_.compute, plan_.first, sums, wide());
    if (plan_.line.taps == 1) return sums;
    if (plan_.narrows) narrow(sums);
    if (plan_.refills) refill(sums);
    return sums;
  }

  void finish_row(const void* sums, index_t row) {
    char* y = slice_.arrays.y + row * d_.row.y_stride + extent_.first * d_.lane.y_stride;
    if (plan_.line.taps == 1) return store_(sums, extent_.count, y, d_.lane.y_stride);
    char* out = plan_.out_in_place ? y : sums_;
    sum_line(sums, out);
    divide_row(d_.compute, plan_.second, out, extent_.count);
    if (!plan_.out_in_place) store_(out, extent_.count, y, d_.lane.y_stride);
  }

  void narrow(char* sums) {
    const index_t bytes = itemsize(plan_.between);
    kernels().convert->store[static_cast<int>(d_.compute)][static_cast<int>(plan_.between)](sums, wide(), narrowed_,
                                                                                            bytes);
    load_elements(plan_.between, false, d_.compute, narrowed_, bytes, wide(), sums);
  }

  // What lies outside the lane: elements before position 0 and from its end on.
  void refill(char* sums) {
    const index_t begin = extent_.first + d_.lane.offset;
    const index_t low = std::clamp<index_t>(-begin, 0, wide()), high = std::clamp(d_.lane.in - begin, low, wide());
    for (index_t i = 0; i < low; ++i) write_fill(sums + i * size_, d_.compute, plan_.first.fill);
    for (index_t i = high; i < wide(); ++i) write_fill(sums + i * size_, d_.compute, plan_.first.fill);
  }

  // The second filter.
  void sum_line(const void* sums, char* out) {
    const DirectPlan& line = plan_.line;
    const int compute = static_cast<int>(d_.compute);
    const void* row = sums;
    const void* const* rows = &row;
    void* const to = out;
    if (plan_.box_line) {
      sums_of(d_.compute).window(sums, line.taps, line.lane.dilation, tree_, out, extent_.count);
    } else if (line.ordered) {
      call_.second.list->sum_row(&rows, 0, columns_, pointers_, out, extent_.count);
    } else if (line.one_row) {
      const TapsTable& table = line.narrow ? *kernels().narrow_taps : *kernels().taps;
      table.of[compute](sums, call_.second.packed, line.lane.kernel, out, extent_.count);
    } else {
      kernels().rows->of[compute](
          {&rows, call_.second.packed, columns_, false, 1, 1, line.lane.kernel, &to, 1, extent_.count});
    }
    if (line.settled) settle_row(line, *call_.second.list, &rows, 0, columns_, pointers_, out, extent_.count);
  }

  const Call& call_;
  const FusedPlan& plan_;
  const DirectPlan& d_;
  Lines lines_;
  const index_t size_;  // bytes of a compute element
  Slice slice_ = {};
  Extent extent_ = {};
  char *rows_, *sums_, *narrowed_ = nullptr, *tree_ = nullptr;
  std::optional<BoxColumns> box_;
  const void** pointers_;
  index_t* columns_;  // of the second filter's taps
  store_fn store_;
};

// False where a tap isn't finite.
bool take_taps(const Problem& p, const DirectPlan& d, const char* h, void* packed, Taps& taps) {
  if (!pack_taps(p, d, h, packed, Run{})) return false;
  if (d.ordered || d.settled) taps.list.emplace(p, d, h);
  taps.packed = packed;
  return true;
}

}  // namespace

bool run_fused(const FusedPlan& plan, const char* x, char* y, const Run& run) {
  Scratch scratch(plan.rows.taps_bytes + plan.line.taps_bytes, plan.job_bytes);
  Call call = {plan, {x, plan.first_taps, y}, {}, {}};
  const auto take = [&](const Problem& p, const DirectPlan& d, const char* h, Taps& taps) {
    return take_taps(p, d, h, scratch.take_bytes(d.taps_bytes), taps);
  };
  const bool multiplies_rows = plan.rows.taps > 1 && !plan.box_rows;
  const bool multiplies_line = plan.line.taps > 1 && !plan.box_line;
  if (multiplies_rows && !take(plan.first, plan.rows, plan.first_taps, call.first)) return false;
  if (multiplies_line && !take(plan.second, plan.line, plan.second_taps, call.second)) return false;
  Run timed = run;
  timed.seconds = plan.seconds;
  run_jobs(plan.rows.jobs, timed, [&call](index_t number, Worker& worker) {
    const Extent extent = extent_of_job(call.plan.rows, number);
    Scratch own(call.plan.job_bytes);
    Job job(call, own);
    for (index_t s = extent.slice; s < extent.last_slice && !worker.should_stop(); ++s) {
      job.run_slice(s, extent, worker);
    }
  });
  return true;
}

}  // namespace convcorr
