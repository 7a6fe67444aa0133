// The row-block kernel: images, and volumes by planes, held in L2. Lines lie either a multiple of 4096 bytes apart,
// where all lines of a column compete for the same few cache sets, or a little more.
#include <algorithm>
#include <string>
#include <vector>

#include "base/dtype.h"
#include "data.h"
#include "dispatch/registry.h"
#include "measure.h"

namespace convcorr::bench {
namespace {

constexpr index_t line_bytes = 4096;

struct Shape {
  Compute compute;
  index_t planes, k;
  index_t line_stride;  // bytes
};

// As the plan chooses it.
index_t block_rows(const Shape& s) {
  const RowsTable& table = *kernels().rows;
  const int c = static_cast<int>(s.compute);
  const bool unrolled = table.unrolls_squares[c] && (s.k == 3 || s.k == 5 || s.k == 7);
  return unrolled ? table.most_rows[c] : std::min<index_t>(table.most_rows[c], s.k + 1);
}

// A `valid` correlation of lines of 4096 bytes, cut into blocks of rows as the engine does.
class Picture {
 public:
  explicit Picture(const Shape& s)
      : shape_(s),
        size_(itemsize(s.compute)),
        m_(line_bytes / size_ - s.k + 1),
        count_(block_rows(s)),
        height_(24 / count_ * count_),
        x_(s.planes * lines() * s.line_stride),
        w_(s.planes * s.k * s.k * size_),
        y_(height_ * s.line_stride, middle_of_page) {
    fill(dtype_of(s.compute), x_.data(), s.planes * lines() * s.line_stride / size_);
    fill(dtype_of(s.compute), w_.data(), s.planes * s.k * s.k);
    for (index_t c = 0; c < s.k; ++c) columns_.push_back(c * scalars(s.compute));
    for (index_t row = 0; row < height_; row += count_) {
      for (index_t p = 0; p < s.planes; ++p) {
        for (index_t i = 0; i < s.k + count_ - 1; ++i) rows_.push_back(line(p * lines() + row + i));
      }
      for (index_t r = 0; r < count_; ++r) out_.push_back(y_.data() + (row + r) * s.line_stride);
    }
  }

  Work work() const {
    const index_t outputs = height_ * m_, taps = shape_.planes * shape_.k * shape_.k;
    const index_t bytes = shape_.planes * lines() * line_bytes + (outputs + taps) * size_;
    return {shape_.compute, static_cast<double>(outputs * taps) * scalar_products(shape_.compute), bytes};
  }

  void correlate() {
    const rows_fn kernel = kernels().rows->of[static_cast<int>(shape_.compute)];
    const index_t lines_per_block = shape_.planes * (shape_.k + count_ - 1);
    for (index_t b = 0; b < height_ / count_; ++b) {
      for (index_t p = 0; p < shape_.planes; ++p) {
        planes_[static_cast<std::size_t>(p)] = rows_.data() + b * lines_per_block + p * (shape_.k + count_ - 1);
      }
      kernel({.planes = planes_.data(),
              .taps = w_.data(),
              .columns = columns_.data(),
              .dense = true,
              .plane_count = shape_.planes,
              .kh = shape_.k,
              .kw = shape_.k,
              .out = out_.data() + b * count_,
              .count = static_cast<int>(count_),
              .m = m_});
    }
  }

 private:
  index_t lines() const { return height_ + shape_.k - 1; }
  const void* line(index_t number) const { return x_.data() + number * shape_.line_stride; }

  const Shape shape_;
  const index_t size_, m_, count_;
  const index_t height_;  // outputs per column: whole blocks
  const Area x_, w_, y_;
  std::vector<index_t> columns_;
  std::vector<const void*> rows_;
  std::vector<const void* const*> planes_ = std::vector<const void* const*>(static_cast<std::size_t>(shape_.planes));
  std::vector<void*> out_;
};

void correlate(benchmark::State& state, Shape shape) {
  Picture picture(shape);
  measure(state, picture.work(), [&](index_t calls) {
    for (index_t i = 0; i < calls; ++i) picture.correlate();
  });
}

void add(const char* kind, const Shape& s) {
  const std::string name = std::string("rows/") + kind + name_of(s.compute) + "/k:" + std::to_string(s.k) +
                           (s.line_stride == line_bytes ? "/aliased" : "/padded");
  benchmark::RegisterBenchmark(name.c_str(), correlate, s)->UseManualTime();
}

}  // namespace

// rows/2d/f32/k:7/padded
void register_rows() {
  constexpr index_t padded = line_bytes + 192;
  for (Compute c : {Compute::f32, Compute::f64, Compute::c64}) {
    for (index_t k : {3, 5, 7, 9, 11, 15, 21, 31}) {
      for (index_t stride : {padded, line_bytes}) add("2d/", {c, 1, k, stride});
    }
    for (index_t k : {3, 5}) add("3d/", {c, k, k, padded});
  }
}

}  // namespace convcorr::bench
