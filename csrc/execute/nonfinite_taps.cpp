#include "execute/nonfinite_taps.h"

#include <atomic>
#include <cmath>
#include <cstring>
#include <limits>
#include <mutex>
#include <vector>

#include "execute/apart.h"
#include "execute/array_rows.h"
#include "execute/execute.h"
#include "execute/load.h"
#include "problem/part.h"

namespace convcorr {
namespace {

// Which outputs of an axis read nothing but samples of x.
bool lies_inside(const SpatialAxis& a) {
  return a.offset >= 0 && (a.out - 1) * a.stride + (a.kernel - 1) * a.dilation + a.offset < a.in;
}

template <class T>
T sign_of(T v) {
  return v > T(0) ? T(1) : v < T(0) ? T(-1) : T(0);  // 0 for NaN
}

// Outputs [first, first + count) of one axis.
struct Outputs {
  int axis;
  index_t first, count;
};

// Numbers of as many scalars each as p's sums have: one, or a real and an imaginary part.
template <class T>
class NonfiniteTaps {
 public:
  NonfiniteTaps(const Problem& p, const Arrays& arrays, const Run& run)
      : p_(p), arrays_(arrays), run_(run), each_(is_complex(p.sum_type) ? 2 : 1) {
    constexpr bool f64 = sizeof(T) == 8;
    compute_ = each_ == 2 ? (f64 ? Compute::c128 : Compute::c64) : (f64 ? Compute::f64 : Compute::f32);
    for (int a = 0; a < p.spatial_count; ++a) first_[a] = p.spatial[a].kernel, end_[a] = 0;
  }

  void run(const SumFinite& sum) {
    read_taps();
    if (any_infinite_) read_samples();
    // An infinite sample makes its products with these infinite too, which times 0 they would not be.
    if (infinite_sample_) replace_infinite_taps();
    Problem finite = p_;
    finite.h_type = p_.sum_type;
    finite.h_swapped = false;
    lay_out(finite, h_side, itemsize(compute_));
    sum(finite, {arrays_.x, reinterpret_cast<const char*>(taps_.data()), arrays_.y});
    taps_ = {};
    mark_outputs();
  }

 private:
  std::size_t scalars_of(const ArrayRows& rows) const {
    return static_cast<std::size_t>(checked_mul(rows.count(), each_));
  }

  // visit(row, number, first, n, data): stretches of an array in the compute type.
  template <class Visit>
  void visit_loaded(const Side& side, const char* array, DType type, bool swapped, const Visit& visit) {
    const ArrayRows rows = rows_of(p_, side);
    visit_stretches(rows, run_, [&](const Odometer& row, index_t number, index_t first, index_t n) {
      constexpr index_t most = 512;
      T data[2 * most];
      for (index_t i = 0; i < n; i += most) {
        const index_t count = std::min(most, n - i);
        load_elements(type, swapped, compute_, array + rows.offset(row, first + i), rows.step, count,
                      reinterpret_cast<char*>(data));
        visit(row, number + i, first + i, count, data);
      }
    });
  }

  void read_taps() {
    const std::size_t n = scalars_of(rows_of(p_, h_side));
    taps_.resize(n);
    tap_signs_.assign(n, 0);
    tap_counts_.assign(n / static_cast<std::size_t>(each_), 0);
    std::atomic<bool> infinite{false};
    const auto look = [&](const Odometer& row, index_t number, index_t first, index_t n, const T* data) {
      std::memcpy(taps_.data() + number * each_, data, static_cast<std::size_t>(n * each_) * sizeof(T));
      for (index_t i = 0; i < n * each_; ++i) {
        if (std::isfinite(data[i])) continue;
        const index_t at = number * each_ + i;
        taps_[at] = 0;
        tap_signs_[at] = static_cast<float>(sign_of(data[i]));
        tap_counts_[at / each_] += 1;
        if (!std::isnan(data[i])) infinite.store(true, std::memory_order_relaxed);
        widen_box(row, first + i / each_);
      }
    };
    visit_loaded(h_side, arrays_.h, p_.h_type, p_.h_swapped, look);
    any_infinite_ = infinite.load(std::memory_order_relaxed);
  }

  // Where on each axis the taps stand, counted as outputs meet them.
  void widen_box(const Odometer& row, index_t in_row) {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (int a = 0; a < p_.spatial_count; ++a) {
      const SpatialAxis& s = p_.spatial[a];
      const index_t i = a + 1 < p_.spatial_count ? row.at[p_.outer_count + a] : in_row;
      const index_t t = p_.flip ? s.kernel - 1 - i : i;
      first_[a] = s.h_stride == 0 ? 0 : std::min(first_[a], t);
      end_[a] = s.h_stride == 0 ? s.kernel : std::max(end_[a], t + 1);
    }
  }

  void read_samples() {
    sample_signs_.resize(scalars_of(rows_of(p_, x_side)));
    std::atomic<bool> infinite{std::isinf(p_.fill.re) || std::isinf(p_.fill.im)};
    const auto look = [&](const Odometer&, index_t number, index_t, index_t n, const T* data) {
      bool any = false;
      for (index_t i = 0; i < n * each_; ++i) {
        sample_signs_[number * each_ + i] = static_cast<float>(sign_of(data[i]));
        any = any || std::isinf(data[i]);
      }
      if (any) infinite.store(true, std::memory_order_relaxed);
    };
    visit_loaded(x_side, arrays_.x, p_.x_type, p_.x_swapped, look);
    infinite_sample_ = infinite.load(std::memory_order_relaxed);
  }

  // By numbers that are nothing beside the others, whose norm is what errors are measured by.
  void replace_infinite_taps() {
    T largest = 0;
    for (const T t : taps_) largest = std::max(largest, std::abs(t));
    const T small = std::max(largest * std::numeric_limits<T>::epsilon() / 16, std::numeric_limits<T>::min());
    for (std::size_t i = 0; i < taps_.size(); ++i) {
      if (tap_signs_[i] != 0) taps_[i] = static_cast<T>(tap_signs_[i]) * small;
    }
  }

  // Part by part: both sums of all outputs would be several times the result.
  void mark_outputs() {
    constexpr double outputs_per_part = 1 << 18, reaches_per_part = 4;
    Outputs part = {};
    for (int a = 1; a < p_.spatial_count; ++a) {
      if (p_.spatial[a].out > p_.spatial[part.axis].out) part.axis = a;
    }
    const SpatialAxis& s = p_.spatial[part.axis];
    const double others = output_count(p_) / static_cast<double>(s.out);
    const double reach = static_cast<double>(end_[part.axis] - first_[part.axis]) * static_cast<double>(s.dilation);
    const double wanted = std::max(outputs_per_part / others, reaches_per_part * reach / static_cast<double>(s.stride));
    const index_t most =
        wanted < static_cast<double>(s.out) ? std::max<index_t>(static_cast<index_t>(wanted), 1) : s.out;
    for (; part.first < s.out; part.first += most) {
      part.count = std::min(most, s.out - part.first);
      mark_part(part);
    }
  }

  void mark_part(const Outputs& part) {
    Problem met = p_;
    met.conjugate = false;
    met.fill = {fill_is_zero(p_) ? 0.0L : 1.0L, 0};
    for (int a = 0; a < met.outer_count; ++a) met.outer[a].x_stride = 0;
    for (int a = 0; a < met.spatial_count; ++a) met.spatial[a].x_stride = 0;
    const float one = 1;
    sum_part(met, &one, tap_counts_.data(), part, false, met_);
    if (any_infinite_) {
      Problem balance = p_;
      balance.fill = {sign_of(p_.fill.re), sign_of(p_.fill.im)};
      sum_part(balance, sample_signs_.data(), tap_signs_.data(), part, each_ == 2, balance_);
    }
    Problem there = p_;
    char* y = arrays_.y + part.first * p_.spatial[part.axis].y_stride;
    there.spatial[part.axis].out = part.count;
    const ArrayRows rows = rows_of(there, y_side);
    visit_stretches(rows, run_, [&](const Odometer& row, index_t number, index_t first, index_t n) {
      char* to = y + rows.offset(row, first);
      each_ == 2 ? mark_row<2>(number, n, to, rows.step) : mark_row<1>(number, n, to, rows.step);
    });
  }

  // Contiguous outputs of p with other numbers in the places of x and h, in double precision.
  void sum_part(Problem p, const float* x, const float* h, const Outputs& part, bool complex,
                std::vector<double>& sums) {
    p.summation = Summation::fast;
    p.divisor = 1;
    const index_t each = complex ? 2 : 1;
    p.x_type = p.h_type = complex ? DType::c64 : DType::f32;
    p.y_type = p.sum_type = complex ? DType::c128 : DType::f64;
    p.x_swapped = p.h_swapped = false;
    lay_out(p, x_side, 4 * each);
    lay_out(p, h_side, 4 * each);
    Arrays arrays = {reinterpret_cast<const char*>(x), reinterpret_cast<const char*>(h), nullptr};
    for (int a = 0; a < p.spatial_count; ++a) keep_taps(p, arrays, a, first_[a], end_[a] - first_[a]);
    keep_outputs(p, arrays, part.axis, part.first, part.count);
    sums.resize(static_cast<std::size_t>(lay_out(p, y_side, 8 * each) / 8));
    arrays.y = reinterpret_cast<char*>(sums.data());
    Plan plan;
    make_plan(p, Method::automatic, plan);
    execute(p, plan, arrays, run_);
  }

  // n outputs from y on, `number`th of the part: halves tell whole numbers apart that a transform has rounded.
  template <int each>
  void mark_row(index_t number, index_t n, char* y, index_t step) const {
    constexpr T infinity = std::numeric_limits<T>::infinity(), nan = std::numeric_limits<T>::quiet_NaN();
    for (index_t i = 0; i < n; ++i, y += step) {
      const double met = met_[number + i];
      if (met < 0.5) continue;
      T sums[each];
      std::memcpy(sums, y, sizeof sums);
      for (int e = 0; e < each; ++e) {
        const double balance = any_infinite_ ? balance_[(number + i) * each + e] : 0;
        sums[e] += std::abs(balance) < met - 0.5 ? nan : balance > 0 ? infinity : -infinity;
      }
      std::memcpy(y, sums, sizeof sums);
    }
  }

  const Problem& p_;
  const Arrays& arrays_;
  const Run& run_;
  const index_t each_;
  Compute compute_;
  std::vector<T> taps_;
  std::vector<float> tap_signs_, tap_counts_, sample_signs_;
  std::vector<double> met_, balance_;  // of one part
  std::mutex mutex_;
  index_t first_[max_spatial], end_[max_spatial];  // of the taps, on each axis
  bool any_infinite_ = false, infinite_sample_ = false;
};

}  // namespace

bool reads_zero_border(const Problem& p) {
  if (!fill_is_zero(p)) return false;
  for (int a = 0; a < p.spatial_count; ++a) {
    if (p.spatial[a].border == Border::constant && !lies_inside(p.spatial[a])) return true;
  }
  return false;
}

void sum_nonfinite_taps(const Problem& p, const Arrays& arrays, const Run& run, const SumFinite& sum) {
  if (p.y_type != p.sum_type) {  // a narrower type's infinity may be a finite sum
    Problem apart = p;
    std::vector<double> sums(static_cast<std::size_t>(lay_out_sums(apart) / 8 + 1));
    char* const y = reinterpret_cast<char*>(sums.data());
    sum_nonfinite_taps(apart, {arrays.x, arrays.h, y}, run, sum);
    return store_sums(p, y, arrays.y);
  }
  if (p.sum_type == DType::f64 || p.sum_type == DType::c128) {
    NonfiniteTaps<double>(p, arrays, run).run(sum);
  } else {
    NonfiniteTaps<float>(p, arrays, run).run(sum);
  }
}

}  // namespace convcorr
