// Products whose panels are stretches of planes of samples: see execute/gemm_planes.h.
#include <algorithm>
#include <atomic>
#include <cstring>
#include <vector>

#include "base/buffer.h"
#include "base/checked.h"
#include "dispatch/registry.h"
#include "execute/gemm_jobs.h"
#include "execute/gemm_planes.h"
#include "problem/odometer.h"

namespace convcorr {
namespace {

// How the outputs are cut into jobs. Sums are the same however that is done, so that it may mind the threads.
struct JobCut {
  index_t rows_per_job, row_jobs;    // of out channels
  index_t lines_per_job, line_jobs;  // rows of an image
  bool lines_apart;
  index_t columns_per_job, column_jobs;  // outputs of such a row
  index_t images;                        // batch items, times outputs of all axes but the last two
  index_t groups_per_job, group_jobs;    // whose planes are laid out alike
  index_t jobs;
};

constexpr index_t wanted_columns = 400;  // of a job: a chunk of weights serves all of them

// Lines to a job, and whether each is multiplied apart, into y, or all at a stretch, with columns between them that are
// dropped when the sums are copied to y.
struct LineCut {
  index_t lines;
  bool apart;
};

// So that the registers hold as few outputs as possible that nobody wants, and planes few samples twice. There are
// `wanted` jobs at least, where that many are not too short.
LineCut choose_lines(const GemmPlan& g, index_t columns, const PlaneTaps& taps, index_t wanted) {
  constexpr index_t fewest_lines = 6;
  const auto times = [](index_t n) { return static_cast<double>(n); };
  const index_t lines = g.plane_row.out, width = columns + taps.column.reach;
  const double per_output = times(g.rows * g.taps);
  // In products of one channel. Jobs that write neighbouring lines of y have a cache line of each out channel in
  // common.
  const double per_job = (3e5 + 2e4 * times(g.rows)) / times(g.channels);
  const double per_copy = 15 * times(g.rows) / times(g.channels);
  LineCut best = {1, true};
  double least = 0;
  const index_t fewest = std::max<index_t>(std::min(wanted, lines / fewest_lines), 1);
  for (index_t jobs = std::max(lines * width / (2 * wanted_columns), fewest); jobs <= lines; ++jobs) {
    const index_t n = ceil_div(lines, jobs);
    const double apart = times(n * ceil_div(columns, g.lanes) * g.lanes) * per_output;
    const double stretch = times(ceil_div((n - 1) * width + columns, g.lanes) * g.lanes) * per_output +
                           times(n * columns) * (n > 1 ? per_copy : 0);
    const bool is_apart = g.native_y && columns % g.lanes == 0 && apart <= stretch;
    const double made = 6 * times((n + taps.row.reach) * width);
    const double cost = times(ceil_div(lines, n)) * ((is_apart ? apart : stretch) + made + per_job);
    if (least == 0 || cost < least) least = cost, best = {n, is_apart};
    if (n * width < wanted_columns / 2) break;
  }
  return best;
}

JobCut cut_jobs(const GemmPlan& g, const PlaneTaps& taps, int threads) {
  constexpr index_t fewest_rows = 32;
  JobCut cut = {};
  const index_t columns = g.axis[g.axes - 1].out;
  cut.images = g.positions / columns / g.plane_row.out * g.batches;
  const index_t wanted = threads > 1 ? 3 * threads : 1;
  constexpr double short_seconds = 50e-6;
  const double groups = g.seconds / static_cast<double>(g.groups * cut.images);
  cut.groups_per_job = std::clamp<index_t>(static_cast<index_t>(short_seconds / groups), 1, g.groups);
  cut.group_jobs = ceil_div(g.groups, cut.groups_per_job);
  // Columns are cut before rows, whose jobs would copy the same samples.
  cut.column_jobs = columns <= 2 * wanted_columns ? 1 : ceil_div(columns, wanted_columns);
  if (g.plane_row.out == 1) {
    const index_t most = std::max<index_t>(columns / (2 * g.width()), 1);
    cut.column_jobs = std::max(cut.column_jobs, std::min(ceil_div(wanted, cut.group_jobs * cut.images), most));
  }
  cut.columns_per_job = ceil_div(ceil_div(columns, cut.column_jobs), g.lanes) * g.lanes;
  cut.column_jobs = ceil_div(columns, cut.columns_per_job);
  const index_t lines_wanted = ceil_div(wanted, cut.group_jobs * cut.images * cut.column_jobs);
  const LineCut lines = g.dots > 0 && !g.x_in_place
                            ? LineCut{g.plane_row.out, false}
                            : choose_lines(g, std::min(columns, cut.columns_per_job), taps, lines_wanted);
  cut.lines_per_job = lines.lines;
  cut.lines_apart = lines.apart;
  cut.line_jobs = ceil_div(g.plane_row.out, cut.lines_per_job);
  const index_t outer = cut.group_jobs * cut.images * cut.line_jobs * cut.column_jobs;
  cut.rows_per_job = g.rows;
  while (outer * ceil_div(g.rows, cut.rows_per_job) < wanted && cut.rows_per_job > fewest_rows) {
    cut.rows_per_job = ceil_div(cut.rows_per_job, 2 * 8) * 8;
  }
  cut.row_jobs = ceil_div(g.rows, cut.rows_per_job);
  cut.jobs = checked_mul(outer, cut.row_jobs);
  return cut;
}

class PlaneJob {
 public:
  PlaneJob(const Problem& p, const GemmPlan& g, const PlaneTaps& taps, const JobCut& cut, index_t number)
      : p_(p), g_(g), size_(itemsize(g.compute)), planes_(p, g, taps), apart_(cut.lines_apart) {
    row_ = number % cut.row_jobs * cut.rows_per_job;
    rows_ = std::min(cut.rows_per_job, g.rows - row_);
    number /= cut.row_jobs;
    block_.first_column = number % cut.column_jobs * cut.columns_per_job;
    block_.columns = std::min(cut.columns_per_job, g.axis[g.axes - 1].out - block_.first_column);
    number /= cut.column_jobs;
    block_.first_row = number % cut.line_jobs * cut.lines_per_job;
    block_.rows = std::min(cut.lines_per_job, g.plane_row.out - block_.first_row);
    number /= cut.line_jobs;
    for (int a = 0; a < g.batch_axes; ++a) image_.add_axis(g.batch[a].size);
    for (int a = 0; a + 2 < g.axes; ++a) image_.add_axis(g.axis[a].out);
    image_.seek(number % cut.images);
    group_ = number / cut.images * cut.groups_per_job;
    groups_ = std::min(cut.groups_per_job, g.groups - group_);
  }

  // Whether all sums are finite.
  bool run(const Arrays& arrays, const Weights& weights, const char* bias, Worker& worker) {
    x_in_place_ = g_.x_in_place;
    columns_ = block_.columns;
    if (x_in_place_) find_offsets();
    const bool has_last = block_.first_column + block_.columns == g_.axis[g_.axes - 1].out;
    dots_ = has_last ? g_.dots : 0;
    const OutputBlock copied = x_in_place_ ? rest_of_block() : block_;
    if (copied.columns > (x_in_place_ ? dots_ : 0)) {
      planes_.start(copied, image_.at + g_.batch_axes);
      if (!x_in_place_) columns_ = planes_.columns();
    }
    apart_ = apart_ && block_.rows > 1;
    const bool follows = planes_.width() == block_.columns && block_.columns == g_.axis[g_.axes - 1].out;
    in_place_ = g_.native_y && (block_.rows == 1 || follows || apart_);
    sums_row_ = ceil_div(columns_, g_.lanes) * g_.lanes;
    const index_t sums = in_place_ ? 0 : rows_ * sums_row_ * size_;
    const index_t dot_row = ceil_div(g_.channels_per_chunk, g_.lanes) * g_.lanes;
    near_row_ = brings_weights_near(weights) ? (ceil_div(most_in_order, g_.lanes) | 1) * g_.lanes : 0;
    const index_t near = rows_ * near_row_ * size_;
    const index_t dot_samples = dots_ * dot_row * size_, dot_sums = rows_ * dots_ * g_.lanes * size_;
    Scratch scratch(Scratch::padded(sums) + Scratch::padded(planes_.bytes()) + Scratch::padded(dot_samples) +
                    Scratch::padded(dot_sums) + Scratch::padded(near) + 128);
    sums_ = scratch.take<char>(sums);
    samples_ = scratch.take<char>(planes_.bytes());
    dot_samples_ = scratch.take<char>(dot_samples);
    dot_sums_ = scratch.take<char>(dot_sums);
    near_ = scratch.take<char>(near);
    planes_.clear_slack(samples_);
    for (index_t group = group_; group < group_ + groups_; ++group) {
      place(arrays, group);
      const WeightRows of_rows(g_, weights, bias, group, row_);
      for (index_t c = 0; c < g_.channels; c += g_.channels_per_chunk) {
        if (worker.should_stop()) return true;
        add_channels(of_rows, c, arrays.x + g_.x_high);
      }
      if (dots_ > 0) finish_dots(of_rows);
      if (!in_place_) write();
    }
    return finite_;
  }

 private:
  // x is where the image's samples begin, y the block's first output, or the image's where outputs don't lie evenly.
  void place(const Arrays& arrays, index_t group) {
    const GroupAt at = group_at(g_, group);
    x_ = arrays.x + g_.x_low + at.x;
    y_ = arrays.y + at.y + row_ * g_.row.y_stride;
    for (int a = 0; a < g_.batch_axes; ++a) {
      x_ += image_.at[a] * g_.batch[a].x_stride;
      y_ += image_.at[a] * g_.batch[a].y_stride;
    }
    for (int a = 0; a + 2 < g_.axes; ++a) y_ += image_.at[g_.batch_axes + a] * g_.axis[a].y_stride;
    if (g_.y_axes > 0) return;
    y_ += block_.first_row * g_.plane_row.y_stride + block_.first_column * g_.axis[g_.axes - 1].y_stride;
  }

  // Of a block without columns between its rows.
  index_t whole_columns() const { return columns_ / g_.lanes * g_.lanes; }

  // A register of the rest would reach beyond x.
  OutputBlock rest_of_block() const {
    const index_t whole = block_.columns / g_.lanes * g_.lanes;
    return {0, 1, block_.first_column + whole, block_.columns - whole};
  }

  void find_offsets() {
    x_offsets_.resize(static_cast<std::size_t>(g_.channels_per_chunk));
    for (std::size_t k = 0; k < x_offsets_.size(); ++k) {
      x_offsets_[k] = static_cast<index_t>(k) * (g_.channel.x_stride / size_);
    }
  }

  void add_channels(const WeightRows& of_rows, index_t first, const char* x_end) {
    const index_t count = std::min(g_.channels_per_chunk, g_.channels - first);
    const char* const x = x_ + first * g_.channel.x_stride;
    if (x_in_place_) {
      const Samples in_place = {x - g_.x_low + block_.first_column * size_, x_offsets_.data(), 0, whole_columns()};
      add_chunk(of_rows, first, count, in_place, in_place_ ? y_ : sums_);
      if (dots_ > 0) return add_dots(of_rows, first, count, in_place);
      if (in_place.end == columns_) return;
    }
    planes_.make(x, x_end, count, samples_);
    Samples samples = {samples_, planes_.offsets(), x_in_place_ ? whole_columns() : 0, columns_};
    if (dots_ > 0) {
      samples.end = whole_columns();
      add_dots(of_rows, first, count, samples);
    }
    if (!apart_) return add_chunk(of_rows, first, count, samples, in_place_ ? y_ : sums_);
    samples.end = block_.columns;
    for (index_t line = 0; line < block_.rows; ++line, samples.panel += planes_.width() * size_) {
      add_chunk(of_rows, first, count, samples, y_ + line * g_.plane_row.y_stride);
    }
  }

  // Where the samples of columns [first, end) lie.
  struct Samples {
    const char* panel;
    const index_t* offsets;
    index_t first, end;
  };

  void add_chunk(const WeightRows& of_rows, index_t first, index_t count, const Samples& samples, char* c) {
    const index_t depth = count * g_.taps, parts = ceil_div(depth, most_in_order);
    for (index_t part = 0; part < parts; ++part) {
      const index_t k = part * depth / parts, end = (part + 1) * depth / parts;
      Samples of_part = samples;
      of_part.offsets += k;
      add_products(of_rows, first * g_.taps + k, of_part, end - k, c);
    }
  }

  // The columns behind these samples, with lanes along the channels. Each lane sums few products.
  void add_dots(const WeightRows& of_rows, index_t first, index_t count, const Samples& samples) {
    const index_t row = ceil_div(g_.channels_per_chunk, g_.lanes) * g_.lanes;
    const char* const from = samples.panel + (samples.end - samples.first) * size_;
    for (index_t j = 0; j < dots_; ++j) {
      char* const to = dot_samples_ + j * row * size_;
      for (index_t k = 0; k < count; ++k) {
        std::memcpy(to + k * size_, from + (samples.offsets[k] + j) * size_, static_cast<std::size_t>(size_));
      }
    }
    const GemmPanel product = of_rows.from(g_, first);
    g_.functions().dot({product.a, product.a_row, dot_samples_, row, count, dot_sums_, rows_, dots_, first > 0});
  }

  void finish_dots(const WeightRows& of_rows) {
    char* const c = (in_place_ ? y_ : sums_) + whole_columns() * size_;
    finite_ &= g_.functions().add_lanes(dot_sums_, rows_, dots_, of_rows.from(g_, 0).bias, c,
                                        in_place_ ? g_.row.y_stride / size_ : sums_row_);
  }

  // Rows 4096 bytes apart meet in one set of the first cache, and each is on a page of its own.
  bool brings_weights_near(const Weights& weights) const {
    constexpr index_t page = 4096, fewest_panels = 6;
    const bool far = g_.row.h_stride % page == 0 && g_.depth * size_ >= page;
    return !weights.own && far && rows_ >= g_.functions().tile_rows && columns_ >= fewest_panels * g_.width();
  }

  void bring_near(GemmPanel& product) {
    for (index_t r = 0; r < rows_; ++r) {
      std::memcpy(near_ + r * near_row_ * size_, static_cast<const char*>(product.a) + r * product.a_row * size_,
                  static_cast<std::size_t>(product.depth * size_));
    }
    product.a = near_;
    product.a_row = near_row_;
  }

  // Panel by panel. The last two share what is left, lest the last one be a single register.
  void add_products(const WeightRows& of_rows, index_t k, const Samples& samples, index_t depth, char* c) {
    GemmPanel product = of_rows.from(g_, k);
    product.offsets = samples.offsets;
    product.depth = depth;
    product.c_row = in_place_ ? g_.row.y_stride / size_ : sums_row_;
    product.rows = rows_;
    if (near_row_ > 0) bring_near(product);
    for (index_t column = samples.first; column < samples.end;) {
      const index_t left = ceil_div(samples.end - column, g_.lanes);
      const index_t vectors = left == g_.vectors + 1 && g_.vectors > 2 ? 2 : std::min<index_t>(left, g_.vectors);
      product.vectors = static_cast<int>(vectors);
      product.panel = samples.panel + (column - samples.first) * size_;
      product.c = c + column * size_;
      product.columns = in_place_ ? std::min(vectors * g_.lanes, samples.end - column) : vectors * g_.lanes;
      finite_ &= g_.functions().multiply(product);
      column += vectors * g_.lanes;
    }
  }

  void write() const {
    const auto store = kernels().convert->store[static_cast<int>(g_.compute)][static_cast<int>(p_.y_type)];
    const index_t stride = g_.axis[g_.axes - 1].y_stride;
    for (index_t r = 0; r < rows_; ++r) {
      if (g_.y_axes > 0) {
        write_unevenly(sums_ + r * sums_row_ * size_, y_ + r * g_.row.y_stride);
        continue;
      }
      for (index_t line = 0; line < block_.rows; ++line) {
        store(sums_ + (r * sums_row_ + line * planes_.width()) * size_, block_.columns,
              y_ + r * g_.row.y_stride + line * g_.plane_row.y_stride, stride);
      }
    }
  }

  void write_unevenly(const char* sums, char* y) const {
    const auto store = kernels().convert->store[static_cast<int>(g_.compute)][static_cast<int>(p_.y_type)];
    const int last = g_.y_axes - 1;
    Odometer at;
    for (int a = 0; a < g_.y_axes; ++a) at.add_axis(g_.y_axis[a].out);
    at.seek(block_.first_column);
    for (index_t column = 0; column < block_.columns;) {
      char* to = y;
      for (int a = 0; a < g_.y_axes; ++a) to += at.at[a] * g_.y_axis[a].y_stride;
      const index_t n = std::min(block_.columns - column, g_.y_axis[last].out - at.at[last]);
      store(sums + column * size_, n, to, g_.y_axis[last].y_stride);
      column += n;
      at.at[last] += n - 1;
      at.next();
    }
  }

  const Problem& p_;
  const GemmPlan& g_;
  const index_t size_;
  Planes planes_;
  bool apart_;  // a line's products go into y by themselves
  OutputBlock block_;
  Odometer image_;
  index_t group_, groups_, row_, rows_, columns_ = 0, sums_row_ = 0;
  const char* x_ = nullptr;
  char *y_ = nullptr, *sums_ = nullptr, *samples_ = nullptr, *dot_samples_ = nullptr, *dot_sums_ = nullptr;
  index_t near_row_ = 0;  // scalars from row to row of a chunk's weights, where they are copied
  char* near_ = nullptr;
  index_t dots_ = 0;
  bool in_place_ = false, x_in_place_ = false, finite_ = true;
  std::vector<index_t> x_offsets_;
};

}  // namespace

bool run_by_planes(const Problem& p, const GemmPlan& g, const Arrays& arrays, const Weights& weights, const char* bias,
                   const Run& run) {
  const PlaneTaps taps(g);
  const JobCut cut = cut_jobs(g, taps, run.threads);
  std::atomic<bool> finite{true};
  run_jobs(cut.jobs, run, [&](index_t number, Worker& worker) {
    PlaneJob job(p, g, taps, cut, number);
    if (!job.run(arrays, weights, bias, worker)) finite.store(false, std::memory_order_relaxed);
  });
  return finite.load(std::memory_order_relaxed);
}

}  // namespace convcorr
