#include "execute/tap_list.h"

#include <cstring>

#include "execute/load.h"
#include "execute/sums.h"
#include "problem/odometer.h"

namespace convcorr {
namespace {

// Where tap `number` stands on each of p's spatial axes, in C order.
Odometer tap_at(const Problem& p, index_t number) {
  Odometer at;
  for (int a = 0; a < p.spatial_count; ++a) at.add_axis(p.spatial[a].kernel);
  at.seek(number);
  return at;
}

template <class T>
bool is_zero(const char* p) {
  T value;
  std::memcpy(&value, p, sizeof value);
  return value == 0;
}

}  // namespace

TapList::TapList(const Problem& p, const DirectPlan& d, const char* h)
    : d_(d), weight_(d.settled ? Compute::f64 : d.compute) {
  taps_.reserve(static_cast<std::size_t>(d.taps));
  weights_.reserve(static_cast<std::size_t>(d.taps * itemsize(weight_)));
  if (p.summation == Summation::symmetric || p.summation == Summation::antisymmetric) {
    add_pairs(p, h, d.taps);
    return;
  }
  const bool in_order = p.summation == Summation::in_order;
  for (index_t i = 0; i < d.taps; ++i) {
    const index_t t = in_order ? i : (i + d.taps - 1) % d.taps;
    if (add_weight(p, h, t) || !in_order) {
      add_tap(p, t);
    } else {
      weights_.resize(weights_.size() - static_cast<std::size_t>(itemsize(weight_)));
    }
  }
}

void TapList::add_pairs(const Problem& p, const char* h, index_t count) {
  terms_ = p.summation == Summation::symmetric ? Terms::sums : Terms::differences;
  const index_t middle = count / 2;
  add_weight(p, h, middle);
  add_tap(p, middle);
  for (index_t t = 0; t < middle; ++t) {
    add_weight(p, h, t);
    add_tap(p, t);
    add_tap(p, count - 1 - t);
  }
}

void TapList::add_tap(const Problem& p, index_t number) {
  const Odometer at = tap_at(p, number);
  Tap tap = {0, d_.row_from < 0 ? 0 : at.at[d_.row_from], d_.lane_from < 0 ? 0 : at.at[d_.lane_from]};
  for (int a = 0; a < d_.plane_axes; ++a) tap.plane = tap.plane * d_.plane[a].kernel + at.at[d_.plane_from[a]];
  taps_.push_back(tap);
}

bool TapList::add_weight(const Problem& p, const char* h, index_t number) {
  const Odometer at = tap_at(p, number);
  for (int a = 0; a < p.spatial_count; ++a) {
    const SpatialAxis& axis = p.spatial[a];
    h += (p.flip ? axis.kernel - 1 - at.at[a] : at.at[a]) * axis.h_stride;
  }
  char weight[16];
  load_elements(p.h_type, p.h_swapped, weight_, h, itemsize(p.h_type), 1, weight);
  weights_.insert(weights_.end(), weight, weight + itemsize(weight_));
  return weight_ == Compute::f32 ? !is_zero<float>(weight) : !is_zero<double>(weight);
}

void TapList::sum_row(const void* const* const* planes, int row, const index_t* columns, const void** pointers, void* y,
                      index_t m, index_t first) const {
  const index_t size = itemsize(d_.compute), weight = itemsize(weight_);
  if (taps_.empty()) {
    std::memset(y, 0, static_cast<std::size_t>(m * weight));
    return;
  }
  const void** pointer = pointers;
  for (const Tap& tap : taps_) {
    *pointer++ = static_cast<const char*>(planes[tap.plane][row + tap.row]) + (columns[tap.column] + first) * size;
  }
  const auto count = static_cast<index_t>(weights_.size()) / weight;
  const sums_fn list = d_.compute == weight_ ? sums_of(weight_).list : kernels().sums->list_of_f32;
  list(pointers, weights_.data(), count, terms_, y, m);
}

}  // namespace convcorr
