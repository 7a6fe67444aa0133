#include "execute/depthwise.h"

#include <algorithm>
#include <atomic>
#include <numeric>
#include <vector>

#include "base/buffer.h"
#include "base/checked.h"
#include "dispatch/registry.h"
#include "execute/gemm_jobs.h"
#include "execute/gemm_planes.h"
#include "execute/gemm_weights.h"
#include "kernels/depthwise_table.h"
#include "problem/odometer.h"

namespace convcorr {
namespace {

// Jobs are (a block of an image's outputs x channels of batch items): sums are the same however they are cut.
struct DepthwiseCut {
  index_t lines_per_job, line_jobs;
  index_t columns_per_job, column_jobs;
  index_t planes;  // of outputs: groups x batch items x outputs of all axes but the last two
  index_t planes_per_job, plane_jobs;
};

DepthwiseCut cut_jobs(const GemmPlan& g, const PlaneTaps& taps, int threads) {
  constexpr index_t samples_bytes = 20 << 10;  // of a plane: the first cache's
  DepthwiseCut cut = {};
  const SpatialAxis& lane = g.axis[g.axes - 1];
  const index_t sample = taps.groups() * itemsize(g.compute);
  cut.column_jobs = ceil_div(lane.out, std::max<index_t>(samples_bytes / sample / (1 + 4 * taps.row.reach), 16));
  cut.columns_per_job = ceil_div(lane.out, cut.column_jobs);
  cut.column_jobs = ceil_div(lane.out, cut.columns_per_job);
  const index_t line = (cut.columns_per_job + taps.column.reach) * sample;
  const index_t lines = std::max<index_t>(samples_bytes / line - taps.row.reach, 4);
  cut.line_jobs = ceil_div(g.plane_row.out, lines);
  cut.lines_per_job = ceil_div(g.plane_row.out, cut.line_jobs);
  cut.line_jobs = ceil_div(g.plane_row.out, cut.lines_per_job);
  cut.planes = g.positions / lane.out / g.plane_row.out * g.batches * g.groups;
  const index_t wanted = threads > 1 ? 4 * threads : 1;
  cut.planes_per_job = std::clamp<index_t>(cut.planes * cut.line_jobs * cut.column_jobs / wanted, 1, cut.planes);
  if (g.axes > 2) cut.planes_per_job = std::min(cut.planes_per_job, g.groups);
  cut.plane_jobs = ceil_div(cut.planes, cut.planes_per_job);
  return cut;
}

// The layer's taps as the kernel takes them: below each other in a plane of a row's phase.
std::vector<TapRun> tap_columns(const GemmPlan& g, const PlaneTaps& taps, const Planes& planes) {
  std::vector<TapRun> columns;
  const index_t row_taps = g.plane_row.kernel, column_taps = g.axis[g.axes - 1].kernel;
  const index_t step = g.plane_row.stride / std::gcd(g.plane_row.stride, g.plane_row.dilation);
  for (index_t plane = 0; plane < taps.plane_taps; ++plane) {
    for (index_t column = 0; column < column_taps; ++column) {
      for (index_t first = 0; first < std::min(step, row_taps); ++first) {
        const index_t tap = (plane * row_taps + first) * column_taps + column;
        TapRun of = {planes.offsets()[tap], tap, step * column_taps, 1};
        for (index_t row = first + step; row < row_taps; row += step) {
          const index_t next = (plane * row_taps + row) * column_taps + column;
          const bool below = planes.offsets()[next] == of.place + of.count * planes.width();
          if (below) {
            ++of.count;
          } else {
            columns.push_back(of);
            of = {planes.offsets()[next], next, step * column_taps, 1};
          }
        }
        columns.push_back(of);
      }
    }
  }
  return columns;
}

class DepthwiseJob {
 public:
  DepthwiseJob(const Problem& p, const GemmPlan& g, const PlaneTaps& taps, const DepthwiseCut& cut, index_t number)
      : p_(p), g_(g), taps_(taps), size_(itemsize(g.compute)), planes_(p, g, taps) {
    const index_t line = number % cut.line_jobs * cut.lines_per_job;
    number /= cut.line_jobs;
    const index_t column = number % cut.column_jobs * cut.columns_per_job;
    first_ = number / cut.column_jobs * cut.planes_per_job;
    count_ = std::min(cut.planes_per_job, cut.planes - first_);
    block_ = {line, std::min(cut.lines_per_job, g.plane_row.out - line), column,
              std::min(cut.columns_per_job, g.axis[g.axes - 1].out - column)};
    for (int a = 0; a + 2 < g.axes; ++a) at_.add_axis(g.axis[a].out);  // of one position there, all channels
    for (int a = 0; a < g.batch_axes; ++a) at_.add_axis(g.batch[a].size);
    for (int a = 0; a < g.group_axes; ++a) at_.add_axis(g.group[a].size);
    at_.seek(first_);
  }

  // False where weights are not finite, and something may have met a zero of the border.
  bool run(const Arrays& arrays, const char* bias, Worker& worker) {
    const index_t sums = g_.native_y ? 0 : block_.rows * block_.columns * size_;
    const index_t weights = g_.weights_in_place ? 0 : g_.taps * size_;
    constexpr index_t planes_per_look = 16;
    std::vector<char> samples;
    Scratch scratch(Scratch::padded(sums) + Scratch::padded(weights) + 128);
    sums_ = scratch.take<char>(sums);
    weights_ = scratch.take<char>(weights);
    std::vector<TapRun> columns;
    for (index_t i = 0; i < count_; ++i, at_.next()) {
      if (i % planes_per_look == 0 && worker.should_stop()) return true;
      if (i == 0 || starts_position()) {
        planes_.start(block_, at_.at);
        columns = tap_columns(g_, taps_, planes_);
        samples.resize(static_cast<std::size_t>(planes_.bytes()) + 64);
      }
      if (!add_plane(arrays, bias, columns, samples.data())) return false;
    }
    return true;
  }

 private:
  int positions() const { return std::max(g_.axes - 2, 0); }
  bool starts_position() const {
    for (int a = positions(); a < positions() + g_.batch_axes + g_.group_axes; ++a) {
      if (at_.at[a] != 0) return false;
    }
    return positions() > 0;
  }

  bool add_plane(const Arrays& arrays, const char* bias, const std::vector<TapRun>& columns, char* samples) {
    const char *x = arrays.x + g_.x_low, *h = arrays.h;
    char* y = arrays.y + block_.first_row * g_.plane_row.y_stride + block_.first_column * g_.axis[g_.axes - 1].y_stride;
    index_t group = 0;
    for (int a = 0; a < positions(); ++a) y += at_.at[a] * g_.axis[a].y_stride;
    for (int a = 0; a < g_.batch_axes; ++a) {
      x += at_.at[positions() + a] * g_.batch[a].x_stride;
      y += at_.at[positions() + a] * g_.batch[a].y_stride;
    }
    for (int a = 0; a < g_.group_axes; ++a) {
      const index_t i = at_.at[positions() + g_.batch_axes + a];
      group = group * g_.group[a].size + i;
      x += i * g_.group[a].x_stride;
      h += i * g_.group[a].h_stride;
      y += i * g_.group[a].y_stride;
    }
    planes_.make(x, arrays.x + g_.x_high, 1, samples);
    DepthwisePlane plane = {};
    plane.samples = samples;
    plane.plane_row = planes_.width();
    plane.taps = columns.data();
    plane.tap_runs = static_cast<index_t>(columns.size());
    plane.rows = block_.rows;
    plane.columns = block_.columns;
    for (index_t row = 0; row < g_.rows; ++row, h += g_.row.h_stride, y += g_.row.y_stride) {
      plane.weights = h;
      if (!g_.weights_in_place) {
        load_weight_row(p_, g_, h, weights_);
        plane.weights = weights_;
      }
      if (!weights_are_finite(plane.weights)) return false;
      plane.bias = bias ? bias + (group * g_.rows + row) * size_ : nullptr;
      slide(plane, y);
    }
    return true;
  }

  void slide(DepthwisePlane& plane, char* y) const {
    plane.y = g_.native_y ? y : sums_;
    plane.y_row = g_.native_y ? g_.plane_row.y_stride / size_ : block_.columns;
    if (block_.rows == 1 && g_.plane_row.kernel == 1) {
      slide_line(plane);
    } else {
      slide_rows(plane);
    }
    if (g_.native_y) return;
    const auto store = kernels().convert->store[static_cast<int>(g_.compute)][static_cast<int>(p_.y_type)];
    for (index_t r = 0; r < block_.rows; ++r) {
      store(sums_ + r * block_.columns * size_, block_.columns, y + r * g_.plane_row.y_stride,
            g_.axis[g_.axes - 1].y_stride);
    }
  }

  void slide_rows(const DepthwisePlane& plane) const {
    (g_.compute == Compute::f32 ? kernels().depthwise->f32 : kernels().depthwise->f64)(plane);
  }

  // A single line as four below each other, whose sums are taken side by side.
  void slide_line(DepthwisePlane plane) const {
    constexpr index_t rows = 4;
    const index_t columns = block_.columns / rows, whole = rows * columns;
    if (columns >= g_.lanes) {
      plane.rows = rows;
      plane.columns = plane.plane_row = plane.y_row = columns;
      slide_rows(plane);
      plane.samples = static_cast<const char*>(plane.samples) + whole * size_;
      plane.y = static_cast<char*>(plane.y) + whole * size_;
      plane.columns = block_.columns - whole;
      plane.rows = 1;
    }
    if (plane.columns > 0) slide_rows(plane);
  }

  bool weights_are_finite(const void* weights) const {
    double zero = 0;
    for (index_t t = 0; t < g_.taps; ++t) {
      zero += 0.0 * (size_ == 4 ? static_cast<double>(static_cast<const float*>(weights)[t])
                                : static_cast<const double*>(weights)[t]);
    }
    return zero == 0;
  }

  const Problem& p_;
  const GemmPlan& g_;
  const PlaneTaps& taps_;
  const index_t size_;
  Planes planes_;
  OutputBlock block_ = {};
  Odometer at_;
  index_t first_ = 0, count_ = 0;
  char *sums_ = nullptr, *weights_ = nullptr;
};

bool run_depthwise_by_planes(const Problem& p, const GemmPlan& g, const Arrays& arrays, const char* bias,
                             const Run& run) {
  const PlaneTaps taps(g);
  const DepthwiseCut cut = cut_jobs(g, taps, run.threads);
  std::atomic<bool> finite{true};
  run_jobs(cut.line_jobs * cut.column_jobs * cut.plane_jobs, run, [&](index_t number, Worker& worker) {
    DepthwiseJob job(p, g, taps, cut, number);
    if (!job.run(arrays, bias, worker)) finite.store(false, std::memory_order_relaxed);
  });
  return finite.load(std::memory_order_relaxed);
}

}  // namespace

void run_depthwise(const Problem& p, const GemmPlan& g, const Arrays& arrays, const Run& run) {
  const std::vector<char> bias = read_bias(p, g, arrays.bias);
  const auto run_all = g.by_channels ? run_depthwise_by_channels : run_depthwise_by_planes;
  if (!run_all(p, g, arrays, bias.empty() ? nullptr : bias.data(), run)) run_directly(p, arrays, run);
}

}  // namespace convcorr
