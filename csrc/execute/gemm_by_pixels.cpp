// Products whose rows are outputs, and whose panels are weights, where channels are innermost:
//
//                    columns: out channels, neighbours in y     depth: in channels x taps
//                  +-----------------------------+
//          depth   |  weights turned             |   [in channel][tap][out channel]
//                  +-----------------------------+
//   rows   outputs: the samples under each, found through tables (execute/gemm_pixels.h)
//
// Jobs are (group x block of outputs x panels of out channels). Weights are turned once for all of them, or, where one
// job has all outputs, by the job that multiplies them.
#include <algorithm>
#include <atomic>
#include <vector>

#include "base/buffer.h"
#include "base/checked.h"
#include "dispatch/registry.h"
#include "execute/gemm_jobs.h"
#include "execute/gemm_pixels.h"
#include "execute/gemm_weights.h"
#include "execute/turn.h"

namespace convcorr {
namespace {

// How the outputs are cut into jobs. Sums are the same however that is done, so that it may mind the threads.
struct PixelCut {
  index_t panels_per_job, panel_jobs;
  index_t columns_per_job, column_jobs;
  index_t rows_per_job, row_jobs;
  index_t images, images_per_job, image_jobs;
  index_t jobs;
};

// About `wanted` outputs to a job: some images, rows of one, or part of a row.
void cut_pixels(const GemmPlan& g, index_t wanted, PixelCut& cut) {
  const index_t columns = g.axis[g.axes - 1].out, rows = g.plane_row.out;
  cut.images = g.positions / columns / rows * g.batches;
  cut.column_jobs = ceil_div(columns, 3 * wanted / 2);
  cut.columns_per_job = ceil_div(ceil_div(columns, cut.column_jobs), 8) * 8;  // rows of a tile
  cut.column_jobs = ceil_div(columns, cut.columns_per_job);
  cut.row_jobs = cut.column_jobs > 1 ? rows : ceil_div(rows, std::max<index_t>(wanted / columns, 1));
  cut.rows_per_job = ceil_div(rows, cut.row_jobs);
  cut.row_jobs = ceil_div(rows, cut.rows_per_job);
  const bool whole = cut.column_jobs == 1 && cut.row_jobs == 1;
  cut.image_jobs = whole ? ceil_div(cut.images, std::max<index_t>(wanted / (rows * columns), 1)) : cut.images;
  cut.images_per_job = ceil_div(cut.images, cut.image_jobs);
  cut.image_jobs = ceil_div(cut.images, cut.images_per_job);
}

PixelCut cut_jobs(const GemmPlan& g, int threads) {
  constexpr index_t fewest_pixels = 96;
  PixelCut cut = {};
  const index_t wanted = threads > 1 ? 4 * threads : 1, panels = out_panels(g), all = g.positions * g.batches;
  const auto pixel_jobs = [&] { return g.groups * cut.column_jobs * cut.row_jobs * cut.image_jobs; };
  index_t pixels = g.few_pixels() ? all : std::min(all, wanted_pixels);
  cut_pixels(g, pixels, cut);
  while (!g.few_pixels() && pixel_jobs() < wanted && pixels > fewest_pixels) {
    pixels = std::max(pixels * 3 / 4, fewest_pixels);
    cut_pixels(g, pixels, cut);
  }
  cut.panel_jobs = std::min(ceil_div(wanted, pixel_jobs()), panels);
  cut.panels_per_job = ceil_div(panels, cut.panel_jobs);
  cut.panel_jobs = ceil_div(panels, cut.panels_per_job);
  cut.jobs = checked_mul(pixel_jobs(), cut.panel_jobs);
  return cut;
}

DType type_of(Compute c) { return c == Compute::f32 ? DType::f32 : DType::f64; }

class PixelJob {
 public:
  PixelJob(const Problem& p, const GemmPlan& g, const Weights& weights, const char* bias, const PixelCut& cut,
           index_t number)
      : p_(p), g_(g), weights_(weights), size_(itemsize(g.compute)), pixels_(p, g) {
    const index_t panel = number % cut.panel_jobs * cut.panels_per_job;
    for (index_t i = panel; i < std::min(panel + cut.panels_per_job, out_panels(g)); ++i) {
      panels_.push_back(out_panel(g, i));
    }
    number /= cut.panel_jobs;
    const auto take = [&number](index_t jobs, index_t per_job, index_t all, index_t& first, index_t& count) {
      first = number % jobs * per_job;
      count = std::min(per_job, all - first);
      number /= jobs;
    };
    take(cut.column_jobs, cut.columns_per_job, g.axis[g.axes - 1].out, block_.first_column, block_.columns);
    take(cut.row_jobs, cut.rows_per_job, g.plane_row.out, block_.first_row, block_.rows);
    take(cut.image_jobs, cut.images_per_job, cut.images, block_.first_image, block_.images);
    group_ = number;
    bias_ = bias ? bias + group_ * g.rows * size_ : nullptr;
    for (int v = 1; v <= g.vectors; ++v) {
      auto& offsets = offsets_[static_cast<std::size_t>(v)];
      for (index_t k = 0; k < g.most_at_once; ++k) offsets.push_back(k * v * g.lanes);
    }
  }

  // Whether all sums are finite.
  bool run(const Arrays& arrays, Worker& worker) {
    pixels_.start(block_);
    const GroupAt at = group_at(g_, group_);
    const char* const x = arrays.x + at.x;
    h_ = arrays.h + at.h;
    y_ = arrays.y + at.y;
    first_ = panels_.front().first;
    sums_row_ = panels_.back().first - first_ + panels_.back().vectors * g_.lanes;
    find_pixel_step();
    const index_t sums = in_place_ ? 0 : checked_mul(pixels_.count(), sums_row_ * size_);
    const index_t turned = weights_.own ? 0 : g_.channels_per_chunk * g_.taps * g_.width() * size_;
    Scratch scratch(Scratch::padded(sums) + Scratch::padded(turned) + Scratch::padded(pixels_.bytes()), 2 * turned);
    sums_ = scratch.take<char>(sums);
    turned_ = scratch.take<char>(turned);
    char* const copies = scratch.take<char>(pixels_.bytes());
    for (index_t c = 0; c < g_.channels; c += g_.channels_per_chunk) {
      if (worker.should_stop()) return true;
      const index_t count = std::min(g_.channels_per_chunk, g_.channels - c);
      const char* const samples = pixels_.make(x, arrays.x + g_.x_high, c, count, copies);
      for (const OutPanel& panel : panels_) add_channels(samples, panel, c, count);
    }
    if (!in_place_) write();
    return finite_;
  }

 private:
  // Sums are made in y where its outputs lie evenly and their channels are neighbours of the compute type.
  void find_pixel_step() {
    const std::vector<index_t>& rows = pixels_.row_y();
    const index_t step = block_.columns > 1 ? g_.axis[g_.axes - 1].y_stride : rows.size() > 1 ? rows[1] - rows[0] : 0;
    in_place_ = p_.y_type == type_of(g_.compute) && g_.row.y_stride == size_ && step % size_ == 0;
    for (std::size_t i = 1; i < rows.size() && in_place_; ++i)
      in_place_ = rows[i] - rows[i - 1] == block_.columns * step;
    pixel_step_ = in_place_ ? step / size_ : sums_row_;
  }

  const char* weights(const OutPanel& panel, index_t channel, index_t count) {
    if (weights_.own) {
      const index_t before = panel.first * g_.depth + channel * g_.taps * panel.vectors * g_.lanes;
      return weights_.origin + group_ * own_weights_bytes(g_) + before * size_;
    }
    turn_weights(p_, g_, h_, panel, channel, count, turned_);
    return turned_;
  }

  void add_channels(const char* samples, const OutPanel& panel, index_t channel, index_t count) {
    const index_t depth = count * g_.taps, parts = ceil_div(depth, g_.most_at_once), width = panel.vectors * g_.lanes;
    const char* const turned = weights(panel, channel, count);
    GemmPanel product = {};
    product.a = samples;
    product.a_offsets = pixels_.offsets();
    product.offsets = offsets_[static_cast<std::size_t>(panel.vectors)].data();
    product.vectors = static_cast<int>(panel.vectors);
    product.c = in_place_ ? y_ + pixels_.row_y()[0] + panel.first * size_ : sums_ + (panel.first - first_) * size_;
    product.c_row = pixel_step_;
    product.rows = pixels_.count();
    product.columns = in_place_ ? std::min(width, g_.rows - panel.first) : width;
    product.column_bias = bias_ ? bias_ + panel.first * size_ : nullptr;
    for (index_t part = 0; part < parts; ++part) {
      const index_t k = part * depth / parts, end = (part + 1) * depth / parts;
      product.a_places = pixels_.places() + k;
      product.panel = turned + k * width * size_;
      product.depth = end - k;
      product.adds = channel + k > 0;
      finite_ &= g_.functions().multiply(product);
    }
  }

  // To planes as they are turned, a register of outputs at a time.
  void write() const {
    const bool turns =
        p_.y_type == type_of(g_.compute) && g_.axis[g_.axes - 1].y_stride == size_ && g_.row.y_stride % size_ == 0;
    const index_t outs = std::min(sums_row_, g_.rows - first_), stride = g_.row.y_stride;
    const std::vector<index_t>& rows = pixels_.row_y();
    const char* sums = sums_;
    for (std::size_t row = 0; row < rows.size();) {
      char* const y = y_ + rows[row] + first_ * stride;
      index_t n = block_.columns;
      for (++row; turns && row < rows.size() && rows[row] == rows[row - 1] + block_.columns * size_; ++row) {
        n += block_.columns;
      }
      if (turns) {
        turn_matrix(g_.compute, sums, sums_row_, n, outs, y, stride / size_);
      } else {
        store_pixels(sums, outs, y);
      }
      sums += n * sums_row_ * size_;
    }
  }

  void store_pixels(const char* sums, index_t outs, char* y) const {
    const auto store = kernels().convert->store[static_cast<int>(g_.compute)][static_cast<int>(p_.y_type)];
    for (index_t c = 0; c < block_.columns; ++c, sums += sums_row_ * size_) {
      store(sums, outs, y + c * g_.axis[g_.axes - 1].y_stride, g_.row.y_stride);
    }
  }

  const Problem& p_;
  const GemmPlan& g_;
  const Weights& weights_;
  const index_t size_;
  Pixels pixels_;
  PixelBlock block_ = {};
  index_t group_ = 0, first_ = 0, sums_row_ = 0, pixel_step_ = 0;
  std::vector<OutPanel> panels_;
  std::vector<index_t> offsets_[4];  // of panels of so many vectors
  const char *bias_ = nullptr, *h_ = nullptr;
  char *y_ = nullptr, *sums_ = nullptr, *turned_ = nullptr;
  bool in_place_ = false, finite_ = true;
};

}  // namespace

bool run_by_pixels(const Problem& p, const GemmPlan& g, const Arrays& arrays, const Weights& weights, const char* bias,
                   const Run& run) {
  const PixelCut cut = cut_jobs(g, run.threads);
  std::atomic<bool> finite{true};
  run_jobs(cut.jobs, run, [&](index_t number, Worker& worker) {
    if (!PixelJob(p, g, weights, bias, cut, number).run(arrays, worker)) finite.store(false, std::memory_order_relaxed);
  });
  return finite.load(std::memory_order_relaxed);
}

}  // namespace convcorr
