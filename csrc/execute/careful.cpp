// A tile that the window guard objects to: samples that are not finite, loud beside quiet, or so large or small that a
// transform would overflow or lose digits.
//
//   samples that are not finite are taken out, and their products added to the outputs that see them
//   what is left is scaled by a power of two, transformed, and the outputs that this makes safe are kept
//   the samples that only those saw are zeroed: what the others see is quieter, and is transformed again
//   the last outputs are computed directly
#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "base/error.h"
#include "dispatch/registry.h"
#include "execute/mask.h"
#include "execute/tile.h"
#include "plan/fft_shape.h"
#include "problem/odometer.h"

namespace convcorr {
namespace {

constexpr int most_levels = 8;
constexpr index_t few = 64;  // samples that aren't finite, added product by product even where they are NaN

template <class T>
class Careful {
 public:
  Careful(const FftCall& call, const KernelView& kernel, const TileExtent& tile, WindowGuard& guard)
      : call_(call),
        f_(call.f),
        fft_(call.f.functions()),
        kernel_(kernel),
        tile_(tile),
        guard_(guard),
        each_(scalars(call.f.compute)),
        positions_(positions_of(call.f)) {
    const auto n = static_cast<std::size_t>(positions_ * each_);
    data_.resize(n);
    scaled_.resize(n + 64 / sizeof(T));
    level_.resize(n);
    results_.assign(n, T(0));
    pending_.assign(static_cast<std::size_t>(positions_), 0);
  }

  void run(const Arrays& slice, const void* const* rows) {
    copy(rows);
    stop_if_asked();
    if (many_infinite()) {  // their products are more than the direct sums'
      return compute_box_directly(call_, slice, tile_, whole_tile(f_, tile_));
    }
    mark_wanted();
    std::vector<OutputBox> boxes;
    for (int level = 0; transform_pending(); ++level) {
      stop_if_asked();
      boxes = boxes_pending();
      if (boxes.empty() || level == most_levels || is_cheap(slice, boxes)) break;
      boxes.clear();
      keep_what_pending_sees();
    }
    stop_if_asked();
    add_not_finite();
    stop_if_asked();
    write(slice.y);
    for (const OutputBox& box : boxes) compute_box(call_, slice, tile_, box);
  }

 private:
  struct Lost {
    index_t position;
    T re, im;
  };

  // A large tile takes seconds.
  void stop_if_asked() const {
    const Interrupt& interrupt = call_.run.interrupt;
    if (interrupt.asked && interrupt.asked(interrupt.state)) throw Interrupted();
  }

  void copy(const void* const* rows) {
    const index_t n = f_.row_samples * each_;
    for (index_t r = 0; r < f_.rows; ++r) {
      std::memcpy(data_.data() + r * n, rows[r], static_cast<std::size_t>(n) * sizeof(T));
    }
    for (index_t i = 0; i < positions_; ++i) {
      T* x = data_.data() + i * each_;
      const T im = each_ == 2 ? x[1] : T(0);
      if (std::isfinite(x[0]) && std::isfinite(im)) continue;
      lost_.push_back({i, x[0], im});
      std::fill_n(x, each_, T(0));
    }
  }

  bool many_infinite() const {
    const auto infinite = [](const Lost& s) { return !std::isnan(s.re) && !std::isnan(s.im); };
    return std::count_if(lost_.begin(), lost_.end(), infinite) > few;
  }

  bool in_tile(const Odometer& at) const {
    for (int a = 0; a < f_.axes; ++a) {
      if (at.at[a] >= tile_.count[a]) return false;
    }
    return true;
  }

  Odometer all_positions() const {
    Odometer at;
    for (int a = 0; a < f_.axes; ++a) at.add_axis(f_.axis[a].block);
    return at;
  }

  void mark_wanted() {
    Odometer at = all_positions();
    for (index_t i = 0; i < positions_; ++i, at.next()) pending_[static_cast<std::size_t>(i)] = in_tile(at);
  }

  // Transforms what is left of the data, and keeps the pending outputs that it makes safe. False where nothing is left
  // to see: all pending outputs are zero.
  bool transform_pending() {
    T most = 0;
    for (const T v : data_) most = std::max(most, std::abs(v));
    if (most == T(0)) return false;
    const int exponent = std::ilogb(most);
    const T up = std::ldexp(T(1), -exponent / 2), up_rest = std::ldexp(T(1), -exponent - -exponent / 2);
    for (std::size_t i = 0; i < data_.size(); ++i) scaled_[i] = data_[i] * up * up_rest;
    std::vector<const void*> rows(static_cast<std::size_t>(f_.rows));
    std::vector<void*> out(static_cast<std::size_t>(f_.rows));
    for (index_t r = 0; r < f_.rows; ++r) {
      rows[static_cast<std::size_t>(r)] = scaled_.data() + r * f_.row_samples * each_;
      out[static_cast<std::size_t>(r)] = level_.data() + r * f_.row_samples * each_;
    }
    const bool all_safe = guard_.look(rows.data(), tile_);
    Scratch scratch(f_.tile_bytes);
    fft_.convolve(f_.tile, rows.data(), scratch.take_bytes(f_.tile_bytes), kernel_.spectrum,
                  {out.data(), f_.row_samples});
    std::vector<OutputBox> unsafe;
    if (!all_safe) unsafe = guard_.unsafe(tile_);
    const int back = exponent - std::ilogb(call_.taps_scale);
    keep_safe(unsafe, std::ldexp(T(1), back / 2), std::ldexp(T(1), back - back / 2));
    return true;
  }

  // Visits the rows of a box: position of the row's first output, and how many.
  template <class Visit>
  void each_row(const OutputBox& box, const Visit& visit) const {
    Odometer at;
    for (int a = 0; a + 1 < f_.axes; ++a) at.add_axis(box.count[a]);
    do {
      index_t position = 0;
      for (int a = 0; a + 1 < f_.axes; ++a) position = position * f_.axis[a].block + box.first[a] + at.at[a];
      const int last = f_.axes - 1;
      visit(position * f_.axis[last].block + box.first[last], box.count[last]);
    } while (at.next());
  }

  void keep_safe(const std::vector<OutputBox>& unsafe, T scale, T scale_rest) {
    constexpr unsigned char pending = 1, objected = 3;
    for (const OutputBox& box : unsafe) {
      each_row(box, [&](index_t first, index_t n) {
        for (index_t i = first; i < first + n; ++i) {
          unsigned char& mark = pending_[static_cast<std::size_t>(i)];
          if (mark == pending) mark = objected;
        }
      });
    }
    for (index_t i = 0; i < positions_; ++i) {
      unsigned char& mark = pending_[static_cast<std::size_t>(i)];
      if (mark == pending) {
        for (int e = 0; e < each_; ++e) results_[i * each_ + e] = level_[i * each_ + e] * scale * scale_rest;
      }
      mark = mark == objected;
    }
  }

  // Runs of pending outputs; equal ones of neighbouring rows are joined.
  std::vector<OutputBox> boxes_pending() const {
    std::vector<OutputBox> boxes;
    const int last = f_.axes - 1;
    const index_t n = f_.axis[last].block;
    Odometer at;
    for (int a = 0; a < last; ++a) at.add_axis(f_.axis[a].block);
    for (index_t row = 0; row < positions_; row += n, at.next()) {
      for (index_t i = 0; i < tile_.count[last]; ++i) {
        if (!pending_[static_cast<std::size_t>(row + i)]) continue;
        OutputBox box;
        for (int a = 0; a < last; ++a) box.first[a] = at.at[a], box.count[a] = 1;
        box.first[last] = i;
        while (i < tile_.count[last] && pending_[static_cast<std::size_t>(row + i)]) ++i;
        box.count[last] = i - box.first[last];
        if (!join(boxes, box)) boxes.push_back(box);
      }
    }
    return boxes;
  }

  bool join(std::vector<OutputBox>& boxes, const OutputBox& box) const {
    if (boxes.empty() || f_.axes < 2) return false;
    OutputBox& before = boxes.back();
    const int last = f_.axes - 1, row = f_.axes - 2;
    for (int a = 0; a < row; ++a) {
      if (before.first[a] != box.first[a]) return false;
    }
    if (before.first[last] != box.first[last] || before.count[last] != box.count[last]) return false;
    if (before.first[row] + before.count[row] != box.first[row]) return false;
    ++before.count[row];
    return true;
  }

  bool is_cheap(const Arrays& slice, const std::vector<OutputBox>& boxes) const {
    double seconds = 0;
    const double affordable = 2 * fft_tile_seconds(f_) + 5e-6;
    for (const OutputBox& box : boxes) {
      seconds += predict_box(call_, slice, tile_, box);
      if (seconds > affordable) return false;
    }
    return true;
  }

  void keep_what_pending_sees() {
    Mask seen = pending_;
    for (int a = 0; a < f_.axes; ++a) spread_marks(f_, a, f_.axis[a].span + 1, 1, true, seen);
    for (index_t i = 0; i < positions_; ++i) {
      if (!seen[static_cast<std::size_t>(i)]) std::fill_n(data_.data() + i * each_, each_, T(0));
    }
  }

  // x[j] h[n - j] for each lost sample, as IEEE arithmetic has it. Many NaNs: every output that sees one is NaN.
  void add_not_finite() {
    const bool many = static_cast<index_t>(lost_.size()) > few;
    Mask nan;
    for (const Lost& s : lost_) {
      const bool is_nan = std::isnan(s.re) || std::isnan(s.im);
      if (!many || !is_nan) {
        add_products(s);
      } else {
        if (nan.empty()) nan.assign(static_cast<std::size_t>(positions_), 0);
        nan[static_cast<std::size_t>(s.position)] = 1;
      }
    }
    if (nan.empty()) return;
    for (int a = 0; a < f_.axes; ++a) {
      spread_marks(f_, a, f_.axis[a].axis.kernel, f_.axis[a].axis.dilation, false, nan);
    }
    for (index_t i = 0; i < positions_; ++i) {
      if (nan[static_cast<std::size_t>(i)]) std::fill_n(results_.data() + i * each_, each_, T(NAN));
    }
  }

  void add_products(const Lost& s) {
    Odometer at = all_positions(), tap;
    at.seek(s.position);
    for (int a = 0; a < f_.axes; ++a) tap.add_axis(f_.axis[a].axis.kernel);
    const T* w = static_cast<const T*>(kernel_.taps);
    do {
      index_t output = 0;
      bool reached = true;
      for (int a = 0; a < f_.axes && reached; ++a) {
        const index_t n = at.at[a] - tap.at[a] * f_.axis[a].axis.dilation;
        reached = n >= 0 && n < tile_.count[a];
        output = output * f_.axis[a].block + n;
      }
      if (reached && each_ == 1) results_[output] += s.re * w[0];
      if (reached && each_ == 2) {
        results_[2 * output] += s.re * w[0] - s.im * w[1];
        results_[2 * output + 1] += s.re * w[1] + s.im * w[0];
      }
      w += each_;
    } while (tap.next());
  }

  void write(char* y) {
    const int last = f_.axes - 1;
    const SpatialAxis& lane = f_.axis[last].axis;
    const auto store = kernels().convert->store[static_cast<int>(f_.compute)][static_cast<int>(call_.p.y_type)];
    const index_t kept = (tile_.count[last] - 1) / lane.stride + 1, item = each_ * static_cast<index_t>(sizeof(T));
    const OutputBox all = whole_tile(f_, tile_);
    Odometer at;
    for (int a = 0; a < last; ++a) at.add_axis(tile_.count[a]);
    y += tile_.first[last] / lane.stride * lane.y_stride;
    each_row(all, [&](index_t first, index_t) {
      char* row = y;
      bool wanted = true;
      for (int a = 0; a < last; ++a) {
        const SpatialAxis& axis = f_.axis[a].axis;
        const index_t n = tile_.first[a] + at.at[a];
        wanted = wanted && n % axis.stride == 0;
        row += n / axis.stride * axis.y_stride;
      }
      at.next();
      if (!wanted) return;
      T* sums = results_.data() + first * each_;
      for (index_t i = 1; i < kept && lane.stride > 1; ++i) {
        std::memcpy(sums + i * each_, sums + i * lane.stride * each_, static_cast<std::size_t>(item));
      }
      store(sums, kept, row, lane.y_stride);
    });
  }

  const FftCall& call_;
  const FftPlan& f_;
  const FftFunctions& fft_;
  const KernelView& kernel_;
  const TileExtent& tile_;
  WindowGuard& guard_;
  const int each_;
  const index_t positions_;
  std::vector<T> data_, scaled_, level_, results_;
  Mask pending_;  // outputs not yet made
  std::vector<Lost> lost_;
};

}  // namespace

void compute_carefully(const FftCall& call, const KernelView& kernel, const Arrays& slice, const TileExtent& tile,
                       const void* const* rows, WindowGuard& guard) {
  if (call.f.lanes_free) {  // signals side by side: each would need a scale of its own
    compute_box_directly(call, slice, tile, whole_tile(call.f, tile));
    return;
  }
  if (call.f.f64()) {
    Careful<double>(call, kernel, tile, guard).run(slice, rows);
  } else {
    Careful<float>(call, kernel, tile, guard).run(slice, rows);
  }
}

}  // namespace convcorr
