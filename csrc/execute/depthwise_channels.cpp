// Depthwise layers with channels along the lanes. A chunk is some registers of channels:
//
//   x    channels innermost: read where it lies, or copied with its border (execute/gemm_pixels.h)
//        planes: the rows that a job sees are turned into pixels of the chunk first
//   y    written where its pixels hold the chunk's channels as neighbours, else stored or turned when all sums are made
//
// Jobs are (block of outputs x batch items x chunks): sums are the same however they are cut.
#include <algorithm>
#include <atomic>
#include <numeric>
#include <vector>

#include "base/buffer.h"
#include "base/checked.h"
#include "dispatch/registry.h"
#include "execute/depthwise.h"
#include "execute/gemm_pixels.h"
#include "execute/gemm_weights.h"
#include "execute/turn.h"
#include "kernels/depthwise_table.h"
#include "problem/odometer.h"

namespace convcorr {
namespace {

index_t reach_of(const SpatialAxis& a, index_t outputs) {
  return (outputs - 1) * a.stride + (a.kernel - 1) * a.dilation + 1;
}

struct ChannelCut {
  index_t width, chunks;  // scalars of a chunk
  index_t chunks_per_job, chunk_jobs;
  index_t columns_per_job, column_jobs;
  index_t rows_per_job, row_jobs;
  index_t images;  // of an item: outputs of all axes but the last two
  index_t items_per_job, item_jobs;
  index_t jobs;
};

// Of planes, registers that the first cache holds, as they are turned one by one. Pixels are read as long as they lie,
// which is what memory likes, while the second cache holds the copies.
void cut_block(const GemmPlan& g, ChannelCut& cut) {
  constexpr index_t most_columns = 256;
  const SpatialAxis &row = g.plane_row, &lane = g.axis[g.axes - 1];
  const index_t near = g.turns_planes ? 32 << 10 : 256 << 10, most_registers = g.turns_planes ? 4 : 64;
  const index_t fewest_rows = g.turns_planes ? 4 : 2;
  cut.column_jobs = g.turns_planes ? 1 : ceil_div(lane.out, most_columns);
  cut.columns_per_job = ceil_div(lane.out, cut.column_jobs);
  cut.column_jobs = ceil_div(lane.out, cut.columns_per_job);
  const index_t registers = ceil_div(g.groups, g.lanes);
  const index_t together = g.turns_planes ? 1 : std::min(registers, most_registers);
  const index_t line = reach_of(lane, cut.columns_per_job) * g.lanes * itemsize(g.compute);
  const index_t lines = near / (line * together) - (row.kernel - 1) * row.dilation - 1;
  const index_t rows = std::max(std::max<index_t>(lines, 0) / row.stride + 1, fewest_rows);
  cut.row_jobs = ceil_div(row.out, rows);
  cut.rows_per_job = ceil_div(row.out, cut.row_jobs);
  cut.row_jobs = ceil_div(row.out, cut.rows_per_job);
  const index_t fit = std::clamp<index_t>(near / (reach_of(row, cut.rows_per_job) * line), 1, most_registers);
  cut.width = ceil_div(registers, ceil_div(registers, fit)) * g.lanes;
}

ChannelCut cut_jobs(const GemmPlan& g, int threads) {
  ChannelCut cut = {};
  cut_block(g, cut);
  cut.images = g.positions / g.plane_row.out / g.axis[g.axes - 1].out;
  const index_t wanted = threads > 1 ? 4 * threads : 1;
  const index_t blocks = checked_mul(cut.images, cut.row_jobs * cut.column_jobs);
  cut.items_per_job = std::clamp<index_t>(g.batches * blocks / wanted, 1, g.batches);
  cut.item_jobs = ceil_div(g.batches, cut.items_per_job);
  const index_t chunk_jobs = ceil_div(wanted, blocks * cut.item_jobs), registers = ceil_div(g.groups, g.lanes);
  cut.width = std::min(cut.width, ceil_div(registers, chunk_jobs) * g.lanes);
  cut.chunks = ceil_div(g.groups, cut.width);
  if (cut.chunks == 1) cut.width = g.groups;  // as x has them, so that pixels are copied row by row
  cut.chunks_per_job = ceil_div(cut.chunks, std::min(chunk_jobs, cut.chunks));
  cut.chunk_jobs = ceil_div(cut.chunks, cut.chunks_per_job);
  cut.jobs = checked_mul(blocks * cut.item_jobs, cut.chunk_jobs);
  return cut;
}

DType type_of(Compute c) { return c == Compute::f32 ? DType::f32 : DType::f64; }

// A batch item as Pixels and the weights' panels take it: groups are channels of x and rows of h; and where planes are
// turned, x is what they become.
struct ItemPixels {
  Problem p;
  GemmPlan g;

  ItemPixels(const Problem& of, const GemmPlan& layer, index_t width) : p(of), g(layer) {
    const OuterAxis& group = layer.group[0];
    const index_t size = itemsize(g.compute);
    g.row = {Role::out_channel, group.size, 0, group.h_stride, group.y_stride};
    g.rows = group.size;
    g.group_axes = g.batch_axes = 0;
    g.groups = g.batches = 1;
    g.channels_per_chunk = width;
    // Whole registers are read.
    const bool whole = g.rows % g.lanes == 0 || (width == g.rows && width > g.lanes);
    g.pixels_in_place = g.pixels_in_place && (g.turns_planes || whole);
    if (!g.turns_planes) return;
    p.x_type = type_of(g.compute);
    SpatialAxis& lane = g.axis[g.axes - 1];
    lane.x_stride = width * size;
    g.plane_row.x_stride = lane.in * lane.x_stride;
    if (g.axes > 1) g.axis[g.axes - 2].x_stride = g.plane_row.x_stride;
  }
};

class ChannelJob {
 public:
  ChannelJob(const GemmPlan& layer, const ItemPixels& item, const ChannelCut& cut, index_t number)
      : layer_(layer), p_(item.p), g_(item.g), cut_(cut), size_(itemsize(layer.compute)), pixels_(p_, g_, 1) {
    const auto take = [&number](index_t jobs, index_t per_job, index_t all, index_t& first, index_t& count) {
      first = number % jobs * per_job;
      count = std::min(per_job, all - first);
      number /= jobs;
    };
    take(cut.chunk_jobs, cut.chunks_per_job, cut.chunks, first_chunk_, chunks_);
    take(cut.column_jobs, cut.columns_per_job, lane().out, block_.first_column, block_.columns);
    take(cut.row_jobs, cut.rows_per_job, g_.plane_row.out, block_.first_row, block_.rows);
    take(cut.images, 1, cut.images, block_.first_image, block_.images);
    take(cut.item_jobs, cut.items_per_job, layer.batches, first_item_, items_);
  }

  // Whether all weights are finite.
  bool run(const Arrays& arrays, const char* bias, Worker& worker) {
    pixels_.start(block_);
    find_taps();
    find_seen_rows();
    const index_t planes =
        layer_.turns_planes ? checked_mul(g_.plane_row.in * lane().in, pixel()) + register_bytes() : 0;
    const index_t sums = block_.rows * block_.columns * pixel() + register_bytes(),
                  weights = checked_mul(chunks_, chunk_weights());
    const index_t bytes = Scratch::padded(planes) + Scratch::padded(sums) + Scratch::padded(weights);
    Scratch scratch(bytes + Scratch::padded(pixels_.bytes()), 2 * chunk_weights());
    turned_ = scratch.take<char>(planes);
    sums_ = scratch.take<char>(sums);
    weights_ = scratch.take<char>(weights);
    copies_ = scratch.take<char>(pixels_.bytes());
    for (index_t i = 0; i < chunks_; ++i) turn_chunk_weights(arrays.h, i);
    Odometer at;
    for (int a = 0; a < layer_.batch_axes; ++a) at.add_axis(layer_.batch[a].size);
    at.seek(first_item_);
    bool finite = true;
    for (index_t item = 0; item < items_; ++item, at.next()) {
      const char* x = arrays.x;
      char* y = arrays.y + pixels_.row_y()[0];
      for (int a = 0; a < layer_.batch_axes; ++a) {
        x += at.at[a] * layer_.batch[a].x_stride;
        y += at.at[a] * layer_.batch[a].y_stride;
      }
      for (index_t i = 0; i < chunks_ && finite; ++i) {
        if (worker.should_stop()) return true;
        finite = add_chunk(x, arrays.x + layer_.x_high, bias, i, y);
      }
    }
    return finite;
  }

 private:
  const SpatialAxis& lane() const { return g_.axis[g_.axes - 1]; }
  index_t pixel() const { return cut_.width * size_; }
  index_t chunk_weights() const {
    return ceil_div(g_.taps, g_.lanes) * g_.lanes * ceil_div(pixel(), register_bytes()) * register_bytes();
  }
  index_t register_bytes() const { return g_.lanes * size_; }
  index_t first_channel(index_t chunk) const { return (first_chunk_ + chunk) * cut_.width; }
  index_t channels(index_t chunk) const { return std::min(cut_.width, g_.rows - first_channel(chunk)); }
  index_t registers(index_t chunk) const { return ceil_div(channels(chunk), g_.lanes); }

  // Scalars from what an output sees to what the next one does.
  index_t column_step() const { return lane().stride * (g_.pixels_in_place ? lane().x_stride / size_ : cut_.width); }

  // Taps that the last axis' neighbours see one after the other, in the order of their samples.
  void find_taps() {
    const index_t columns = lane().kernel, step = lane().stride / std::gcd(lane().stride, lane().dilation);
    const auto number = [&](index_t t) { return p_.flip ? g_.taps - 1 - t : t; };
    for (index_t row = 0; row < g_.taps; row += columns) {
      for (index_t first = 0; first < std::min(step, columns); ++first) {
        TapRun of = {0, 0, p_.flip ? -step : step, 0};
        for (index_t column = first; column < columns; column += step) {
          const index_t tap = number(row + column), place = pixels_.places()[tap];
          if (of.count > 0 && place != of.place + of.count * column_step()) {
            taps_.push_back(of);
            of.count = 0;
          }
          if (of.count++ == 0) of.place = place, of.first = tap;
        }
        taps_.push_back(of);
      }
    }
  }

  // Rows of x that outputs of the block see, where planes are turned.
  void find_seen_rows() {
    const SpatialAxis& row = g_.plane_row;
    const index_t first = block_.first_row * row.stride + row.offset;
    const bool zeros = row.border == Border::constant;
    first_seen_ = zeros ? std::clamp<index_t>(first, 0, row.in) : 0;
    end_seen_ = zeros ? std::clamp<index_t>(first + reach_of(row, block_.rows), first_seen_, row.in) : row.in;
  }

  // A register of channels at a time where what follows their taps is readable: the next channels' ones.
  void turn_chunk_weights(const char* h, index_t chunk) {
    const index_t whole = ceil_div(g_.taps, g_.lanes) * g_.lanes, row = g_.row.h_stride / size_;
    const index_t channel = first_channel(chunk), width = registers(chunk) * g_.lanes;
    const bool readable = row >= g_.taps && (channel + width - 1) * row + whole <= (g_.rows - 1) * row + g_.taps;
    char* const to = weights_ + chunk * chunk_weights();
    if (g_.weights_in_place && readable && channel + width <= g_.rows) {
      g_.functions().turn(h + channel * g_.row.h_stride, row, width, whole, to, width);
    } else {
      turn_weights(p_, g_, h, {channel, registers(chunk)}, 0, 1, to);
    }
  }

  // x is the item's first sample.
  void turn_planes(const char* x, index_t channel, index_t count) {
    const SpatialAxis &row = layer_.plane_row, &lane = layer_.axis[layer_.axes - 1];
    const index_t stride = layer_.group[0].x_stride, line = lane.in * pixel();
    const bool evenly = row.in == 1 || row.x_stride == lane.in * size_;
    const index_t rows = evenly ? end_seen_ - first_seen_ : 1;
    for (index_t r = first_seen_; r < end_seen_; r += rows) {
      turn_matrix(g_.compute, x + channel * stride + r * row.x_stride, stride / size_, count, rows * lane.in,
                  turned_ + r * line, cut_.width);
    }
  }

  // Zeros around all turned rows at once; other borders row by row.
  const char* border_turned(index_t count) const {
    const SpatialAxis &row = g_.plane_row, &column = lane();
    const char* const end = turned_ + row.in * column.in * pixel();
    const bool zeros = row.border == Border::constant && column.border == Border::constant;
    if (g_.pixels_in_place || !zeros) return pixels_.make(turned_, end, 0, count, copies_);
    const index_t height = reach_of(row, block_.rows), width = reach_of(column, block_.columns);
    const index_t top = block_.first_row * row.stride + row.offset;
    const index_t left = block_.first_column * column.stride + column.offset, first = std::max<index_t>(left, 0);
    PaddedRows rows = {};
    rows.x = turned_;
    rows.x_end = end;
    rows.channels = 1;
    rows.row_step = column.in * cut_.width;
    rows.step = 1;
    rows.first = first_seen_ - top;
    rows.end = end_seen_ > first_seen_ ? end_seen_ - top : rows.first;
    rows.from = (first_seen_ * column.in + first) * cut_.width;
    rows.at = (first - left) * cut_.width;
    rows.n = std::max<index_t>(std::min(column.in, left + width) - first, 0) * cut_.width;
    rows.width = width * cut_.width;
    rows.length = height * rows.width;
    rows.planes = copies_;
    g_.functions().pad(rows);
    return copies_;
  }

  bool add_chunk(const char* x, const char* x_end, const char* bias, index_t chunk, char* y) {
    const index_t channel = first_channel(chunk), count = channels(chunk);
    const char* made = nullptr;
    if (layer_.turns_planes) {
      turn_planes(x, channel, count);
      made = border_turned(count);
    } else {
      made = pixels_.make(x, x_end, channel, count, copies_);
    }
    const bool in_place = writes_in_place() && count >= g_.lanes;
    char* const to = y + channel * g_.row.y_stride;
    DepthwisePixels pixels = {};
    pixels.samples = made + pixels_.offsets()[0] * size_;
    pixels.row = block_.rows > 1 ? pixels_.offsets()[block_.columns] - pixels_.offsets()[0] : 0;
    pixels.column = column_step();
    pixels.taps = taps_.data();
    pixels.tap_runs = static_cast<index_t>(taps_.size());
    pixels.layer_taps = g_.taps;
    pixels.weights = weights_ + chunk * chunk_weights();
    pixels.weights_row = registers(chunk) * g_.lanes;
    pixels.bias = bias ? bias + channel * size_ : nullptr;
    pixels.y = in_place ? to : sums_;
    pixels.y_row = in_place ? g_.plane_row.y_stride / size_ : block_.columns * cut_.width;
    pixels.y_column = in_place ? lane().y_stride / size_ : cut_.width;
    pixels.rows = block_.rows;
    pixels.columns = block_.columns;
    pixels.channels = count;
    const bool f32 = g_.compute == Compute::f32;
    const bool finite = (f32 ? kernels().depthwise->pixels_f32 : kernels().depthwise->pixels_f64)(pixels);
    if (!in_place) write(to, count);
    return finite;
  }

  bool writes_in_place() const {
    return p_.y_type == type_of(g_.compute) && g_.row.y_stride == size_ && lane().y_stride % size_ == 0 &&
           g_.plane_row.y_stride % size_ == 0;
  }

  void write(char* y, index_t count) const {
    const SpatialAxis& row = g_.plane_row;
    const bool turns = p_.y_type == type_of(g_.compute) && lane().y_stride == size_ && g_.row.y_stride % size_ == 0;
    if (turns) {
      const bool evenly = block_.rows == 1 || row.y_stride == block_.columns * size_;
      const index_t rows = evenly ? block_.rows : 1, n = rows * block_.columns;
      for (index_t r = 0; r < block_.rows; r += rows) {
        turn_matrix(g_.compute, sums_ + r * block_.columns * pixel(), cut_.width, n, count, y + r * row.y_stride,
                    g_.row.y_stride / size_);
      }
      return;
    }
    const auto store = kernels().convert->store[static_cast<int>(g_.compute)][static_cast<int>(p_.y_type)];
    const char* sums = sums_;
    for (index_t r = 0; r < block_.rows; ++r) {
      for (index_t c = 0; c < block_.columns; ++c, sums += pixel()) {
        store(sums, count, y + r * row.y_stride + c * lane().y_stride, g_.row.y_stride);
      }
    }
  }

  const GemmPlan& layer_;
  const Problem& p_;
  const GemmPlan& g_;
  const ChannelCut& cut_;
  const index_t size_;
  Pixels pixels_;
  PixelBlock block_ = {};
  std::vector<TapRun> taps_;
  index_t first_chunk_ = 0, chunks_ = 0, first_item_ = 0, items_ = 0, first_seen_ = 0, end_seen_ = 0;
  char *turned_ = nullptr, *sums_ = nullptr, *weights_ = nullptr, *copies_ = nullptr;
};

}  // namespace

bool run_depthwise_by_channels(const Problem& p, const GemmPlan& g, const Arrays& arrays, const char* bias,
                               const Run& run) {
  const ChannelCut cut = cut_jobs(g, run.threads);
  const ItemPixels item(p, g, cut.width);
  std::atomic<bool> finite{true};
  run_jobs(cut.jobs, run, [&](index_t number, Worker& worker) {
    if (!ChannelJob(g, item, cut, number).run(arrays, bias, worker)) finite.store(false, std::memory_order_relaxed);
  });
  return finite.load(std::memory_order_relaxed);
}

}  // namespace convcorr
