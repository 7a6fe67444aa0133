#include "execute/gemm.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>

#include "base/buffer.h"
#include "base/checked.h"
#include "dispatch/registry.h"
#include "execute/execute.h"
#include "execute/gemm_panels.h"
#include "execute/gemm_weights.h"
#include "problem/element.h"
#include "problem/odometer.h"

namespace convcorr {
namespace {

// A group's weights: rows as the caller has them, or tiles.
struct Weights {
  const char* origin;  // of group 0
  bool packed;
  index_t group_bytes;  // packed: from group to group
};

struct GroupAt {
  index_t x = 0, h = 0, y = 0;  // bytes
};

GroupAt group_at(const GemmPlan& g, index_t number) {
  GroupAt at;
  for (int a = g.group_axes - 1; a >= 0; --a) {
    const index_t i = number % g.group[a].size;
    number /= g.group[a].size;
    at.x += i * g.group[a].x_stride;
    at.h += i * g.group[a].h_stride;
    at.y += i * g.group[a].y_stride;
  }
  return at;
}

// Bias in the compute type, for all groups; empty where there is none.
std::vector<char> read_bias(const Problem& p, const GemmPlan& g, const char* bias) {
  std::vector<char> own;
  if (!bias) return own;
  const index_t n = g.groups * g.rows, size = itemsize(g.compute), item = itemsize(p.y_type);
  own.resize(static_cast<std::size_t>(n * size));
  for (index_t i = 0; i < n; ++i) {
    const double b = read_element<double>(bias + i * item, p.y_type, false);
    const auto narrow = static_cast<float>(b);
    std::memcpy(own.data() + i * size, size == 4 ? static_cast<const void*>(&narrow) : &b,
                static_cast<std::size_t>(size));
  }
  return own;
}

class GemmJob {
 public:
  GemmJob(const Problem& p, const GemmPlan& g, const Arrays& arrays, const Weights& weights, const char* bias,
          index_t number)
      : p_(p), g_(g), weights_(weights), size_(itemsize(g.compute)) {
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
    h_ = weights.packed ? weights.origin + group_ * weights.group_bytes : weights.origin + at.h;
    y_ = arrays.y + at.y + row_ * g.row.y_stride;
    bias_ = bias ? bias + (group_ * g.rows + row_) * size_ : nullptr;
  }

  // Whether all sums are finite.
  bool run(Worker& worker) {
    const index_t width = g_.width(), panels = ceil_div(columns_, width);
    runs_.resize(static_cast<std::size_t>(panels));
    pieces_.resize(static_cast<std::size_t>(panels));
    in_place_ = g_.native_y;
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
    for (index_t c = 0; c < g_.channels; c += g_.channels_per_chunk) {
      for (index_t t = 0; t < g_.taps; t += g_.taps_per_chunk) {
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
    const bool first = channel == 0 && tap == 0;
    if (first || taps < g_.taps) pieces_[i].find(p_, g_, runs_[i], tap, tap + taps);
    const index_t columns = columns_of(number);
    const int vectors = static_cast<int>(ceil_div(columns, g_.lanes));
    pieces_[i].pack(p_, g_, x_end_, x_, channel, channels, vectors, panel_);
    const index_t k = channel * g_.taps + tap, tile_rows = g_.functions().tile_rows;
    const index_t a_row = weights_.packed ? 0 : g_.rows == 1 ? g_.depth : g_.row.h_stride / size_;
    const char* const a =
        h_ + (weights_.packed ? (row_ * g_.depth + k * tile_rows) * size_ : row_ * g_.row.h_stride + k * size_);
    char* const c = in_place_ ? y_ + runs_[i][0].y : sums_ + number * g_.width() * size_;
    const index_t c_row = in_place_ ? g_.row.y_stride / size_ : sums_row();
    finite_ &= g_.functions().multiply(
        {a, a_row, tile_rows * g_.depth, panel_, channels * taps, vectors, c, c_row, rows_, columns, bias_, !first});
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
  const Weights& weights_;
  const index_t size_;
  index_t group_, set_, row_, rows_, column_, columns_;
  const char *x_end_, *x_, *h_, *bias_;
  char* y_;
  bool in_place_;  // sums are made in y
  bool finite_ = true;
  std::vector<std::vector<OutputRun>> runs_;
  std::vector<PanelPieces> pieces_;
  char *sums_, *panel_;
};

// Zeros of a border see no weights, but here they do: it makes a difference where those are infinite, and then sums are
// not finite.
bool pads(const GemmPlan& g) {
  for (int a = 0; a < g.axes; ++a) {
    const SpatialAxis& s = g.axis[a];
    const index_t last = (s.out - 1) * s.stride + (s.kernel - 1) * s.dilation + s.offset;
    if (s.border == Border::constant && (s.offset < 0 || last >= s.in)) return true;
  }
  return false;
}

bool weights_are_finite(const Problem& p, const char* h) {
  Odometer at;
  for (int a = 0; a < p.outer_count; ++a) at.add_axis(p.outer[a].h_stride == 0 ? 1 : p.outer[a].size);
  for (int a = 0; a < p.spatial_count; ++a) at.add_axis(p.spatial[a].kernel);
  do {
    const char* from = h;
    for (int a = 0; a < p.outer_count; ++a) from += at.at[a] * p.outer[a].h_stride;
    for (int a = 0; a < p.spatial_count; ++a) from += at.at[p.outer_count + a] * p.spatial[a].h_stride;
    if (!std::isfinite(read_element<double>(from, p.h_type, p.h_swapped))) return false;
  } while (at.next());
  return true;
}

void run_directly(const Problem& p, const Arrays& arrays, const Run& run) {
  Plan plan;
  make_plan(p, Method::direct, plan);
  execute(p, plan, arrays, run);
}

void run_jobs_with(const Problem& p, const GemmPlan& g, const Arrays& arrays, const Weights& weights, const Run& run) {
  const std::vector<char> bias = read_bias(p, g, arrays.bias);
  std::atomic<bool> finite{true};
  run_jobs(g.jobs, run, [&](index_t number, Worker& worker) {
    GemmJob job(p, g, arrays, weights, bias.empty() ? nullptr : bias.data(), number);
    if (!job.run(worker)) finite.store(false, std::memory_order_relaxed);
  });
  if (!finite.load(std::memory_order_relaxed) && pads(g) && !weights_are_finite(p, arrays.h)) {
    run_directly(p, arrays, run);
  }
}

void pack_all(const Problem& p, const GemmPlan& g, const char* h, const Run& run, char* tiles) {
  constexpr index_t weights_per_job = 1 << 14;
  const index_t tile = g.functions().tile_rows, group_bytes = packed_weights_bytes(g);
  const index_t rows_per_job = std::max<index_t>(weights_per_job / (g.depth * tile), 1) * tile;
  const index_t parts = ceil_div(g.rows, rows_per_job);
  Run own = run;
  own.seconds = static_cast<double>(g.groups * g.rows * g.depth) * 1e-9;
  run_jobs(g.groups * parts, own, [&](index_t number, Worker&) {
    const index_t group = number / parts, first = number % parts * rows_per_job;
    pack_weights(p, g, h + group_at(g, group).h, first, std::min(first + rows_per_job, g.rows),
                 tiles + group * group_bytes);
  });
}

}  // namespace

void run_gemm(const Problem& p, const GemmPlan& g, const Arrays& arrays, const Run& run) {
  if (g.weights_in_place) return run_jobs_with(p, g, arrays, {arrays.h, false, 0}, run);
  const index_t bytes = checked_mul(g.groups, packed_weights_bytes(g));
  const index_t job =
      (g.rows_per_job * g.columns_per_job + g.channels_per_chunk * g.taps_per_chunk * g.width()) * itemsize(g.compute);
  Scratch scratch(Scratch::padded(bytes), job + 1024);
  char* const tiles = scratch.take<char>(bytes);
  pack_all(p, g, arrays.h, run, tiles);
  run_jobs_with(p, g, arrays, {tiles, true, packed_weights_bytes(g)}, run);
}

PackedWeights::PackedWeights(const Problem& p, const GemmPlan& g, const char* h, const Run& run)
    : compute_(g.compute),
      groups_(g.groups),
      rows_(g.rows),
      depth_(g.depth),
      tiles_(static_cast<std::size_t>(checked_mul(g.groups, packed_weights_bytes(g)))) {
  pack_all(p, g, h, run, tiles_.data());
}

bool PackedWeights::serves(const GemmPlan& g) const {
  return g.compute == compute_ && g.groups == groups_ && g.rows == rows_ && g.depth == depth_;
}

void PackedWeights::run(const Problem& p, const GemmPlan& g, const Arrays& arrays, const Run& run) const {
  run_jobs_with(p, g, arrays, {tiles_.data(), true, packed_weights_bytes(g)}, run);
}

}  // namespace convcorr
