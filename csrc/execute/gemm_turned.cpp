// Products of few outputs and many taps, such as a weight's gradient, with outputs and taps exchanged:
//
//                    columns: rows of weights                 depth: taps, as columns of a plane, and in channels
//                  +-----------------+
//          depth   |  weights turned |   made panel by panel: zero where a plane has columns between its rows
//                  +-----------------+
//   rows   batch item and output: each a stretch of the item's planes, a little further on than the one before
//
// Planes are those of the Problem whose taps are this one's outputs. Jobs are (group x batch items x rows of weights);
// each goes through the taps line by line, and through all in channels.
#include <algorithm>
#include <atomic>
#include <cstring>
#include <vector>

#include "base/buffer.h"
#include "base/checked.h"
#include "dispatch/registry.h"
#include "execute/gemm_jobs.h"
#include "execute/gemm_planes.h"
#include "execute/load.h"
#include "problem/odometer.h"

namespace convcorr {
namespace {

constexpr index_t fewest_rows = 240;       // of a job: a panel of weights serves all of them
constexpr index_t sums_bytes = 384 << 10;  // of a job: the second cache's
constexpr index_t wanted_columns = 384;    // of a plane
constexpr index_t chunk = 128;             // of the depth: its panel stays in the first cache

// Outputs become taps and taps outputs; the steps between them change places too.
SpatialAxis exchange(SpatialAxis a) {
  std::swap(a.kernel, a.out);
  std::swap(a.stride, a.dilation);
  return a;
}

// The plan of the Problem whose planes these are: its channels are the batch items.
GemmPlan exchange(const GemmPlan& g) {
  GemmPlan t = g;
  for (int a = 0; a < t.axes; ++a) t.axis[a] = exchange(g.axis[a]);
  t.plane_row = exchange(g.plane_row);
  t.taps = g.positions;
  t.positions = g.taps;
  t.channels = g.batches;
  t.channel = {Role::in_channel, 1, 0, 0, 0};
  for (int a = 0; a < g.batch_axes; ++a) {
    if (g.batch[a].size > 1) t.channel = g.batch[a];
  }
  return t;
}

struct TurnedCut {
  index_t item_jobs, weights_per_job, weight_jobs, jobs;
  index_t lines, columns;  // of a plane's block
};

// Sets how many of t's channels are made at a time, too.
TurnedCut cut_jobs(const GemmPlan& g, GemmPlan& t, int threads) {
  TurnedCut cut = {};
  const index_t width = g.width(), wanted = threads > 1 ? 2 * threads : 1;
  cut.weights_per_job = std::min(ceil_div(g.rows, width) * width, 8 * width);
  const index_t rows = sums_bytes / (cut.weights_per_job * itemsize(g.compute));
  t.channels_per_chunk = std::clamp<index_t>(std::max(rows, fewest_rows) / t.taps, 1, t.channels);
  const auto jobs = [&] {
    return g.groups * ceil_div(t.channels, t.channels_per_chunk) * ceil_div(g.rows, cut.weights_per_job);
  };
  while (jobs() < wanted && t.channels_per_chunk / 2 * t.taps >= fewest_rows) t.channels_per_chunk /= 2;
  while (jobs() < wanted && cut.weights_per_job > width) cut.weights_per_job -= width;
  t.channels_per_chunk = ceil_div(t.channels, ceil_div(t.channels, t.channels_per_chunk));
  cut.item_jobs = ceil_div(t.channels, t.channels_per_chunk);
  cut.weight_jobs = ceil_div(g.rows, cut.weights_per_job);
  cut.jobs = checked_mul(g.groups * cut.item_jobs, cut.weight_jobs);
  const index_t columns = t.axis[t.axes - 1].out;
  cut.columns = columns <= 2 * wanted_columns ? columns : wanted_columns;
  cut.lines = std::clamp<index_t>(wanted_columns / cut.columns, 1, t.plane_row.out);
  return cut;
}

class TurnedJob {
 public:
  TurnedJob(const Problem& p, const GemmPlan& g, const GemmPlan& t, const PlaneTaps& taps, const TurnedCut& cut,
            index_t number)
      : p_(p), g_(g), t_(t), cut_(cut), size_(itemsize(g.compute)), planes_(p, t, taps) {
    weight_ = number % cut.weight_jobs * cut.weights_per_job;
    weights_ = std::min(cut.weights_per_job, g.rows - weight_);
    number /= cut.weight_jobs;
    item_ = number % cut.item_jobs * t.channels_per_chunk;
    items_ = std::min(t.channels_per_chunk, t.channels - item_);
    group_ = number / cut.item_jobs;
    offsets_.resize(static_cast<std::size_t>(chunk));
  }

  // Whether all sums are finite.
  bool run(const Arrays& arrays, Worker& worker) {
    const GroupAt at = group_at(g_, group_);
    x_ = arrays.x + g_.x_low + at.x + item_ * t_.channel.x_stride;
    h_ = arrays.h + at.h + weight_ * g_.row.h_stride;
    const index_t width = g_.width();
    sums_row_ = ceil_div(weights_, width) * width;
    const index_t sums = items_ * t_.taps * sums_row_ * size_, panel = (chunk + g_.lanes) * width * size_;
    row_length_ = ceil_div(cut_.lines * (cut_.columns + planes_reach()), g_.lanes) * g_.lanes;
    std::vector<char> samples;  // as long as the longest block's planes
    Scratch scratch(Scratch::padded(sums) + Scratch::padded(panel) + Scratch::padded(width * row_length_ * size_) +
                    256);
    sums_ = scratch.take<char>(sums);
    panel_ = scratch.take<char>(panel);
    rows_ = scratch.take<char>(width * row_length_ * size_);
    Odometer plane;
    for (int a = 0; a + 2 < t_.axes; ++a) plane.add_axis(t_.axis[a].out);
    const index_t lines = t_.plane_row.out, columns = t_.axis[t_.axes - 1].out;
    do {
      for (index_t line = 0; line < lines; line += cut_.lines) {
        for (index_t column = 0; column < columns; column += cut_.columns) {
          block_ = {line, std::min(cut_.lines, lines - line), column, std::min(cut_.columns, columns - column)};
          planes_.start(block_, plane.at);
          samples.resize(std::max(samples.size(), static_cast<std::size_t>(planes_.bytes()) + 64));
          planes_.clear_slack(samples.data());
          for (index_t c = 0; c < g_.channels; ++c) {
            if (worker.should_stop()) return true;
            planes_.make(x_ + c * g_.channel.x_stride, arrays.x + g_.x_high, items_, samples.data());
            add_block(samples.data(), plane.at, c);
          }
        }
      }
    } while (plane.next());
    write(arrays.y + at.y);
    return finite_;
  }

 private:
  index_t planes_reach() const {
    const SpatialAxis& lane = t_.axis[t_.axes - 1];
    return (lane.kernel - 1) * lane.dilation / lane.stride;
  }

  void add_block(const char* samples, const index_t* plane_at, index_t channel) {
    const index_t width = g_.width(), depth = planes_.columns();
    for (index_t weight = 0; weight < weights_; weight += width) {
      const index_t count = std::min(width, weights_ - weight), vectors = ceil_div(count, g_.lanes);
      load_weights(weight, count, vectors * g_.lanes, plane_at, channel);
      for (std::size_t k = 0; k < offsets_.size(); ++k) offsets_[k] = static_cast<index_t>(k) * vectors * g_.lanes;
      for (index_t k = 0; k < depth; k += chunk) {
        const index_t n = std::min(chunk, depth - k), whole = ceil_div(n, g_.lanes) * g_.lanes;
        g_.functions().turn(rows_ + k * size_, row_length_, vectors * g_.lanes, whole, panel_, vectors * g_.lanes);
        GemmPanel product = {};
        product.a = samples + k * size_;
        product.a_offsets = planes_.offsets();
        product.panel = panel_;
        product.offsets = offsets_.data();
        product.depth = n;
        product.vectors = static_cast<int>(vectors);
        product.c = sums_ + weight * size_;
        product.c_row = sums_row_;
        product.rows = items_ * t_.taps;
        product.columns = vectors * g_.lanes;
        product.adds = begun_ || k > 0;
        finite_ &= g_.functions().multiply(product);
      }
    }
    begun_ = true;
  }

  // Weights of the block's taps, a row for each of `count` rows and zero rows up to `padded`, laid out as a plane is.
  void load_weights(index_t first, index_t count, index_t padded, const index_t* plane_at, index_t channel) {
    std::memset(rows_, 0, static_cast<std::size_t>(padded * row_length_ * size_));
    const SpatialAxis &row = g_.plane_row, &lane = g_.axis[g_.axes - 1];
    const char* h = h_ + first * g_.row.h_stride + channel * g_.channel.h_stride;
    for (int a = 0; a + 2 < g_.axes; ++a) h += tap(g_.axis[a], plane_at[a]);
    h += tap(lane, block_.first_column);
    const index_t step = p_.flip ? -lane.h_stride : lane.h_stride;
    for (index_t r = 0; r < count; ++r, h += g_.row.h_stride) {
      for (index_t line = 0; line < block_.rows; ++line) {
        load_elements(p_.h_type, p_.h_swapped, g_.compute, h + tap(row, block_.first_row + line), step, block_.columns,
                      rows_ + (r * row_length_ + line * planes_.width()) * size_);
      }
    }
  }

  index_t tap(const SpatialAxis& a, index_t t) const { return (p_.flip ? a.kernel - 1 - t : t) * a.h_stride; }

  void write(char* y) const {
    const auto store = kernels().convert->store[static_cast<int>(g_.compute)][static_cast<int>(p_.y_type)];
    Odometer at;
    for (int a = 0; a < g_.axes; ++a) at.add_axis(g_.axis[a].out);
    y += item_ * t_.channel.y_stride + weight_ * g_.row.y_stride;
    const char* sums = sums_;
    for (index_t i = 0; i < items_; ++i, y += t_.channel.y_stride) {
      do {
        char* to = y;
        for (int a = 0; a < g_.axes; ++a) to += at.at[a] * g_.axis[a].y_stride;
        store(sums, weights_, to, g_.row.y_stride);
        sums += sums_row_ * size_;
      } while (at.next());
    }
  }

  const Problem& p_;
  const GemmPlan &g_, &t_;
  const TurnedCut& cut_;
  const index_t size_;
  Planes planes_;
  OutputBlock block_ = {};
  index_t group_, item_, items_, weight_, weights_, sums_row_ = 0, row_length_ = 0;
  const char *x_ = nullptr, *h_ = nullptr;
  char *sums_ = nullptr, *panel_ = nullptr, *rows_ = nullptr;
  std::vector<index_t> offsets_;
  bool begun_ = false, finite_ = true;
};

}  // namespace

bool run_turned(const Problem& p, const GemmPlan& g, const Arrays& arrays, const Run& run) {
  GemmPlan t = exchange(g);
  const TurnedCut cut = cut_jobs(g, t, run.threads);
  const PlaneTaps taps(t);
  std::atomic<bool> finite{true};
  run_jobs(cut.jobs, run, [&](index_t number, Worker& worker) {
    TurnedJob job(p, g, t, taps, cut, number);
    if (!job.run(arrays, worker)) finite.store(false, std::memory_order_relaxed);
  });
  return finite.load(std::memory_order_relaxed);
}

}  // namespace convcorr
