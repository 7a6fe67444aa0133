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

#include "dispatch/registry.h"
#include "execute/largest.h"
#include "execute/mask.h"
#include "execute/shared_tile.h"
#include "execute/tile.h"
#include "plan/fft_shape.h"
#include "problem/odometer.h"

namespace convcorr {
namespace {

constexpr int most_levels = 8;
constexpr index_t few = 64;  // infinite samples, added product by product

template <class T>
class Careful {
 public:
  Careful(const FftCall& call, const KernelView& kernel, const TileExtent& tile, WindowGuard& guard, void* scratch,
          CarefulMemory& memory)
      : call_(call),
        f_(call.f),
        kernel_(kernel),
        tile_(tile),
        guard_(guard),
        scratch_(scratch),
        each_(scalars(call.f.compute)),
        positions_(positions_of(call.f)),
        scalars_(positions_ * each_),
        data_(memory.take<T>(CarefulMemory::data, scalars_)),
        scaled_(memory.take<T>(CarefulMemory::scaled, scalars_ + 64 / index_t(sizeof(T)))),
        level_(memory.take<T>(CarefulMemory::transformed, scalars_)),
        results_(memory.take<T>(CarefulMemory::results, scalars_)),
        pending_(memory.take<unsigned char>(CarefulMemory::marks, positions_)) {}

  void run(const Arrays& slice, const void* const* rows) {
    copy(rows);
    if (many_infinite()) {  // their products are more than the direct sums'
      return compute_box_directly(call_, slice, tile_, whole_tile(f_, tile_));
    }
    mark_wanted();
    std::vector<OutputBox> boxes;
    for (int level = 0; transform_pending(); ++level) {
      if (none_pending_) break;
      stop_if_asked(call_.run);
      boxes = boxes_pending();
      if (boxes.empty() || level == most_levels || is_cheap(slice, boxes)) break;
      boxes.clear();
      keep_what_pending_sees();
    }
    add_not_finite();
    write(slice.y);
    for (const OutputBox& box : boxes) {
      stop_if_asked(call_.run);
      compute_box(call_, slice, tile_, box);
    }
  }

 private:
  struct Lost {
    index_t position;
    T re, im;
  };

  // A large tile takes seconds: visit(first, n) on stretches of [0, n) that don't.
  template <class Visit>
  void in_stretches(index_t n, const Visit& visit) const {
    constexpr index_t stretch = 1 << 18;
    for (index_t first = 0; first < n; first += stretch) {
      stop_if_asked(call_.run);
      visit(first, std::min(stretch, n - first));
    }
  }

  void copy(const void* const* rows) {
    const index_t n = f_.row_samples * each_;
    for (index_t r = 0; r < f_.rows; ++r) {
      in_stretches(n, [&](index_t first, index_t count) {
        const T* from = static_cast<const T*>(rows[r]) + first;
        std::memcpy(data_ + r * n + first, from, static_cast<std::size_t>(count) * sizeof(T));
        if (!std::isfinite(largest_of(from, count))) take_out((r * n + first) / each_, count / each_);
      });
    }
  }

  // The samples among n from `first` on that aren't finite.
  void take_out(index_t first, index_t n) {
    for (index_t i = first; i < first + n; ++i) {
      T* x = data_ + i * each_;
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

  void mark_wanted() {
    in_stretches(positions_, [&](index_t first, index_t n) {
      std::memset(pending_ + first, 0, static_cast<std::size_t>(n));
      std::fill_n(results_ + first * each_, n * each_, T(0));
    });
    each_row(whole_tile(f_, tile_), [&](index_t first, index_t n) { std::fill_n(pending_ + first, n, 1); });
  }

  // Transforms what is left of the data, and keeps the pending outputs that it makes safe. False where nothing is left
  // to see: all pending outputs are zero.
  bool transform_pending() {
    T most = 0;
    in_stretches(scalars_, [&](index_t first, index_t n) { most = std::max(most, largest_of(data_ + first, n)); });
    if (most == T(0)) return false;
    const int exponent = std::ilogb(most);
    const T up = std::ldexp(T(1), -exponent / 2), up_rest = std::ldexp(T(1), -exponent - -exponent / 2);
    in_stretches(scalars_, [&](index_t first, index_t n) {
      T* const to = scaled_ + first;
      const T* const from = data_ + first;
      for (index_t i = 0; i < n; ++i) to[i] = from[i] * up * up_rest;
    });
    std::vector<const void*> rows(static_cast<std::size_t>(f_.rows));
    std::vector<void*> out(static_cast<std::size_t>(f_.rows));
    for (index_t r = 0; r < f_.rows; ++r) {
      rows[static_cast<std::size_t>(r)] = scaled_ + r * f_.row_samples * each_;
      out[static_cast<std::size_t>(r)] = level_ + r * f_.row_samples * each_;
    }
    const bool all_safe = guard_.look(rows.data(), tile_);
    convolve_alone(f_, rows.data(), scratch_, kernel_.spectrum, {out.data(), f_.row_samples}, call_.run);
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
          if (pending_[i] == pending) pending_[i] = objected;
        }
      });
    }
    unsigned char left = 0;
    const bool all = first_level_ && unsafe.empty();
    first_level_ = false;
    if (all) return keep_all(scale, scale_rest);
    in_stretches(positions_, [&](index_t first, index_t n) {
      for (index_t i = first; i < first + n; ++i) {
        unsigned char& mark = pending_[i];
        if (mark == pending) {
          for (int e = 0; e < each_; ++e) results_[i * each_ + e] = level_[i * each_ + e] * scale * scale_rest;
        }
        mark = mark == objected;
        left |= mark;
      }
    });
    none_pending_ = left == 0;
  }

  void keep_all(T scale, T scale_rest) {
    in_stretches(scalars_, [&](index_t first, index_t n) {
      T* const to = results_ + first;
      const T* const from = level_ + first;
      for (index_t i = 0; i < n; ++i) to[i] = from[i] * scale * scale_rest;
    });
    none_pending_ = true;
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
        if (!pending_[row + i]) continue;
        OutputBox box;
        for (int a = 0; a < last; ++a) box.first[a] = at.at[a], box.count[a] = 1;
        box.first[last] = i;
        while (i < tile_.count[last] && pending_[row + i]) ++i;
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
      stop_if_asked(call_.run);
      seconds += predict_box(call_, slice, tile_, box);
      if (seconds > affordable) return false;
    }
    return true;
  }

  void keep_what_pending_sees() {
    Mask seen(pending_, pending_ + positions_);
    for (int a = 0; a < f_.axes; ++a) {
      stop_if_asked(call_.run);
      spread_marks(f_, a, f_.axis[a].span + 1, 1, true, seen);
    }
    in_stretches(positions_, [&](index_t first, index_t n) {
      for (index_t i = first; i < first + n; ++i) {
        if (!seen[static_cast<std::size_t>(i)]) std::fill_n(data_ + i * each_, each_, T(0));
      }
    });
  }

  // x[j] h[n - j] for each lost sample, as IEEE arithmetic has it. Every output that sees a NaN is NaN.
  void add_not_finite() {
    Mask nan;
    for (const Lost& s : lost_) {
      if (!std::isnan(s.re) && !std::isnan(s.im)) {
        stop_if_asked(call_.run);
        add_products(s);
        continue;
      }
      if (nan.empty()) nan.assign(static_cast<std::size_t>(positions_), 0);
      nan[static_cast<std::size_t>(s.position)] = 1;
    }
    if (nan.empty()) return;
    for (int a = 0; a < f_.axes; ++a) {
      stop_if_asked(call_.run);
      spread_marks(f_, a, f_.axis[a].axis.kernel, f_.axis[a].axis.dilation, false, nan);
    }
    in_stretches(positions_, [&](index_t first, index_t n) {
      for (index_t i = first; i < first + n; ++i) {
        if (nan[static_cast<std::size_t>(i)]) std::fill_n(results_ + i * each_, each_, T(NAN));
      }
    });
  }

  void add_products(const Lost& s) {
    const int last = f_.axes - 1;
    const SpatialAxis& lane = f_.axis[last].axis;
    Odometer at, tap;
    for (int a = 0; a < f_.axes; ++a) at.add_axis(f_.axis[a].block);
    at.seek(s.position);
    for (int a = 0; a < last; ++a) tap.add_axis(f_.axis[a].axis.kernel);
    const T* w = static_cast<const T*>(kernel_.taps);
    // Tap t of a row reaches output at - t * dilation: those with 0 <= that < count.
    const index_t beyond = at.at[last] - tile_.count[last];
    const index_t low = beyond < 0 ? 0 : beyond / lane.dilation + 1;
    const index_t high = std::min(at.at[last] / lane.dilation + 1, lane.kernel);
    do {
      index_t row = 0;
      bool reached = true;
      for (int a = 0; a < last && reached; ++a) {
        const index_t n = at.at[a] - tap.at[a] * f_.axis[a].axis.dilation;
        reached = n >= 0 && n < tile_.count[a];
        row = row * f_.axis[a].block + n;
      }
      if (reached) add_row(s, w, results_ + (row * f_.axis[last].block + at.at[last]) * each_, low, high);
      w += lane.kernel * each_;
    } while (tap.next());
  }

  // Taps [low, high) of a row, to the sums below the sample's own position.
  void add_row(const Lost& s, const T* w, T* sums, index_t low, index_t high) const {
    const index_t step = f_.axis[f_.axes - 1].axis.dilation * each_;
    for (index_t t = low; t < high; ++t) {
      T* const sum = sums - t * step;
      const T* h = w + t * each_;
      sum[0] += each_ == 2 ? s.re * h[0] - s.im * h[1] : s.re * h[0];
      if (each_ == 2) sum[1] += s.re * h[1] + s.im * h[0];
    }
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
      T* sums = results_ + first * each_;
      for (index_t i = 1; i < kept && lane.stride > 1; ++i) {
        std::memcpy(sums + i * each_, sums + i * lane.stride * each_, static_cast<std::size_t>(item));
      }
      store(sums, kept, row, lane.y_stride);
    });
  }

  const FftCall& call_;
  const FftPlan& f_;
  const KernelView& kernel_;
  const TileExtent& tile_;
  WindowGuard& guard_;
  void* const scratch_;
  const index_t each_, positions_, scalars_;
  T *const data_, *const scaled_, *const level_, *const results_;
  unsigned char* const pending_;  // outputs not yet made
  bool first_level_ = true, none_pending_ = false;
  std::vector<Lost> lost_;
};

}  // namespace

void compute_carefully(const FftCall& call, const KernelView& kernel, const Arrays& slice, const TileExtent& tile,
                       const void* const* rows, WindowGuard& guard, void* scratch, CarefulMemory& memory) {
  if (call.f.lanes_free) {  // signals side by side: each would need a scale of its own
    compute_box_directly(call, slice, tile, whole_tile(call.f, tile));
    return;
  }
  if (call.f.f64()) {
    Careful<double>(call, kernel, tile, guard, scratch, memory).run(slice, rows);
  } else {
    Careful<float>(call, kernel, tile, guard, scratch, memory).run(slice, rows);
  }
}

}  // namespace convcorr
