// Products whose panels are made tap by tap: few outputs to an item, or more taps than outputs.
#include <algorithm>
#include <atomic>
#include <optional>
#include <vector>

#include "base/buffer.h"
#include "base/checked.h"
#include "dispatch/registry.h"
#include "execute/gemm_jobs.h"
#include "execute/gemm_panels.h"

namespace convcorr {
namespace {

class GemmJob {
 public:
  GemmJob(const Problem& p, const GemmPlan& g, const Arrays& arrays, const Weights& weights, const char* bias,
          index_t number)
      : p_(p), g_(g), size_(itemsize(g.compute)) {
    // Blocks of rows follow each other, so that their samples are still near.
    row_ = number % g.row_jobs * g.rows_per_job;
    number /= g.row_jobs;
    column_ = number % g.column_jobs * g.columns_per_job;
    number /= g.column_jobs;
    set_ = number % g.column_sets;
    group_ = number / g.column_sets;
    rows_ = std::min(g.rows_per_job, g.rows - row_);
    columns_ = std::min(g.columns_per_job, g.columns - column_);
    const GroupAt at = group_at(g, group_);
    x_end_ = arrays.x + g.x_high;
    x_ = arrays.x + g.x_low + at.x;
    y_ = arrays.y + at.y + row_ * g.row.y_stride;
    weights_.emplace(g, weights, bias, group_, row_);
  }

  // Whether all sums are finite.
  bool run(Worker& worker) {
    const index_t width = g_.width(), panels = ceil_div(columns_, width);
    runs_.resize(static_cast<std::size_t>(panels));
    pieces_.resize(static_cast<std::size_t>(panels));
    in_place_ = g_.native_y;
    for (int v = 1; v <= g_.vectors; ++v) {
      auto& offsets = offsets_[static_cast<std::size_t>(v)];
      offsets.resize(static_cast<std::size_t>(g_.channels_per_chunk * g_.taps_per_chunk));
      for (std::size_t k = 0; k < offsets.size(); ++k) offsets[k] = static_cast<index_t>(k) * v * g_.lanes;
    }
    for (index_t i = 0; i < panels; ++i) {
      auto& runs = runs_[static_cast<std::size_t>(i)];
      find_runs(g_, set_, column_ + i * width, columns_of(i), runs);
      for (std::size_t r = 1; r < runs.size() && in_place_; ++r) {
        in_place_ = runs[r].y == runs[r - 1].y + runs[r - 1].n * size_;
      }
    }
    const index_t sums = in_place_ ? 0 : rows_ * panels * width * size_;
    const index_t panel = g_.channels_per_chunk * g_.taps_per_chunk * width * size_ + 64;
    Scratch scratch(Scratch::padded(sums) + Scratch::padded(panel) + 128);
    sums_ = scratch.take<char>(sums);
    panel_ = scratch.take<char>(panel);
    for (index_t t = 0; t < g_.taps; t += g_.taps_per_chunk) {  // outermost, as pieces are found for each
      for (index_t c = 0; c < g_.channels; c += g_.channels_per_chunk) {
        if (worker.should_stop()) return true;
        for (index_t i = 0; i < panels; ++i) add_chunk(i, c, t);
      }
    }
    if (!in_place_) {
      for (index_t i = 0; i < panels; ++i) write(i);
    }
    return finite_;
  }

 private:
  index_t columns_of(index_t panel) const { return std::min(g_.width(), columns_ - panel * g_.width()); }

  // Samples of some channels and taps, times all rows of the job.
  void add_chunk(index_t number, index_t channel, index_t tap) {
    const auto i = static_cast<std::size_t>(number);
    const index_t channels = std::min(g_.channels_per_chunk, g_.channels - channel);
    const index_t taps = std::min(g_.taps_per_chunk, g_.taps - tap);
    if (channel == 0) pieces_[i].find(p_, g_, runs_[i], tap, tap + taps);
    const index_t columns = columns_of(number);
    const int vectors = static_cast<int>(ceil_div(columns, g_.lanes));
    pieces_[i].pack(p_, g_, x_end_, x_, channel, channels, vectors, panel_);
    char* const c = in_place_ ? y_ + runs_[i][0].y : sums_ + number * g_.width() * size_;
    const index_t c_row = in_place_ ? g_.row.y_stride / size_ : sums_row();
    GemmPanel product = weights_->from(g_, channel * g_.taps + tap);
    product.panel = panel_;
    product.offsets = offsets_[static_cast<std::size_t>(vectors)].data();
    product.depth = channels * taps;
    product.vectors = vectors;
    product.c = c;
    product.c_row = c_row;
    product.rows = rows_;
    product.columns = columns;
    finite_ &= g_.functions().multiply(product);
  }

  index_t sums_row() const { return ceil_div(columns_, g_.width()) * g_.width(); }

  // A panel's sums to where they belong.
  void write(index_t number) {
    const auto store = kernels().convert->store[static_cast<int>(g_.compute)][static_cast<int>(p_.y_type)];
    const index_t stride = g_.axis[g_.axes - 1].y_stride;
    for (index_t r = 0; r < rows_; ++r) {
      const char* const sums = sums_ + (r * sums_row() + number * g_.width()) * size_;
      char* const y = y_ + r * g_.row.y_stride;
      for (const OutputRun& run : runs_[static_cast<std::size_t>(number)]) {
        store(sums + run.at * size_, run.n, y + run.y, stride);
      }
    }
  }

  const Problem& p_;
  const GemmPlan& g_;
  const index_t size_;
  index_t group_, set_, row_, rows_, column_, columns_;
  const char *x_end_, *x_;
  std::optional<WeightRows> weights_;
  std::vector<index_t> offsets_[8];  // of panels of so many vectors
  char* y_;
  bool in_place_;  // sums are made in y
  bool finite_ = true;
  std::vector<std::vector<OutputRun>> runs_;
  std::vector<PanelPieces> pieces_;
  char *sums_, *panel_;
};

}  // namespace

bool run_tap_by_tap(const Problem& p, const GemmPlan& g, const Arrays& arrays, const Weights& weights, const char* bias,
                    const Run& run) {
  std::atomic<bool> finite{true};
  run_jobs(g.jobs, run, [&](index_t number, Worker& worker) {
    if (!GemmJob(p, g, arrays, weights, bias, number).run(worker)) finite.store(false, std::memory_order_relaxed);
  });
  return finite.load(std::memory_order_relaxed);
}

}  // namespace convcorr
