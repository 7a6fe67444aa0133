#include "execute/tile.h"

#include <algorithm>
#include <cstring>

#include "base/checked.h"
#include "execute/execute.h"
#include "execute/shared_tile.h"
#include "plan/fft_shape.h"
#include "problem/odometer.h"
#include "problem/part.h"
#include "problem/reference.h"

namespace convcorr {
namespace {

// Spatial axes of the tile alone: the transformed ones and the strip, of one slice.
Problem slice_problem(const FftCall& call) {
  const FftPlan& f = call.f;
  Problem p;
  p.x_type = call.p.x_type;
  p.h_type = call.p.h_type;
  p.y_type = call.p.y_type;
  p.sum_type = call.p.sum_type;
  p.x_swapped = call.p.x_swapped;
  p.h_swapped = call.p.h_swapped;
  p.flip = call.p.flip;
  p.conjugate = call.p.conjugate;
  p.fill = call.p.fill;
  for (int a = 0; a < f.axes; ++a) p.spatial[p.spatial_count++] = f.axis[a].axis;
  if (f.lanes_free) p.spatial[p.spatial_count++] = f.strip;
  return p;
}

// The Problem of a box's outputs; false where a stride leaves none of them.
bool box_problem(const FftCall& call, const TileExtent& tile, const OutputBox& box, Problem& p, Arrays& arrays) {
  const FftPlan& f = call.f;
  p = slice_problem(call);
  for (int a = 0; a < f.axes; ++a) {
    const index_t stride = f.axis[a].axis.stride, first = tile.first[a] + box.first[a];
    const index_t low = (first + stride - 1) / stride, high = (first + box.count[a] - 1) / stride + 1;
    if (low >= high) return false;
    keep_outputs(p, arrays, a, low, high - low);
  }
  if (!f.lanes_free) return true;
  SpatialAxis& strip = p.spatial[f.axes];
  arrays.x += tile.strip_first * strip.x_stride;
  arrays.y += tile.strip_first * strip.y_stride;
  strip.in = strip.out = tile.strip_count;
  return true;
}

// Makes p's outputs contiguous; returns their bytes.
index_t lay_out_apart(Problem& p) {
  index_t bytes = itemsize(p.y_type);
  for (int a = p.spatial_count - 1; a >= 0; --a) {
    p.spatial[a].y_stride = bytes;
    bytes = checked_mul(bytes, p.spatial[a].out);
  }
  return bytes;
}

Method method_at(int depth) {
  constexpr int deepest = 3;
  return depth < deepest ? Method::automatic : Method::direct;
}

double predict(const FftCall& call, const Arrays& slice, const TileExtent& tile, const OutputBox& box, Method method) {
  Problem p;
  Arrays arrays = slice;
  if (!box_problem(call, tile, box, p, arrays)) return 0;
  lay_out_apart(p);
  Plan plan;
  make_plan(p, method, plan);
  return plan.seconds;
}

void compute_box(const FftCall& call, const Arrays& slice, const TileExtent& tile, const OutputBox& box, Method method);

}  // namespace

double predict_box(const FftCall& call, const Arrays& slice, const TileExtent& tile, const OutputBox& box) {
  return predict(call, slice, tile, box, method_at(call.run.depth));
}

double predict_box_directly(const FftCall& call, const Arrays& slice, const TileExtent& tile, const OutputBox& box) {
  return predict(call, slice, tile, box, Method::direct);
}

void compute_box(const FftCall& call, const Arrays& slice, const TileExtent& tile, const OutputBox& box) {
  compute_box(call, slice, tile, box, method_at(call.run.depth));
}

void compute_box_directly(const FftCall& call, const Arrays& slice, const TileExtent& tile, const OutputBox& box) {
  compute_box(call, slice, tile, box, Method::direct);
}

namespace {

void compute_box(const FftCall& call, const Arrays& slice, const TileExtent& tile, const OutputBox& box,
                 Method method) {
  Problem p;
  Arrays arrays = slice;
  if (!box_problem(call, tile, box, p, arrays)) return;
  // Which way sums go must not depend on where they are stored: results have the same bits in any `out`.
  const Problem there = p;
  char* const y = arrays.y;
  const index_t item = itemsize(p.y_type);
  std::vector<char> apart;
  if (p.spatial[p.spatial_count - 1].y_stride != item) {
    apart.resize(static_cast<std::size_t>(lay_out_apart(p)));
    arrays.y = apart.data();
  }
  Plan plan;
  make_plan(p, method, plan);
  plan.in_halves = plan.algorithm != Algorithm::fft && has_many_taps(p);
  Run run = call.run;
  ++run.depth;
  execute(p, plan, arrays, run);
  if (apart.empty()) return;
  Odometer at = outputs_of(p);
  const char* from = apart.data();
  do {
    char* to = y;
    for (int a = 0; a < p.spatial_count; ++a) to += at.at[a] * there.spatial[a].y_stride;
    std::memcpy(to, from, static_cast<std::size_t>(item));
    from += item;
  } while (at.next());
}

}  // namespace

index_t TileJob::bytes(const FftPlan& f) {
  const index_t tiles = checked_mul(f.filters > 1 ? 2 : 1, Scratch::padded(f.tile_bytes));
  return checked_add(checked_add(TileRows::bytes(f), WindowGuard::bytes(f)), tiles);
}

TileJob::TileJob(const FftCall& call, Scratch& scratch)
    : call_(call), f_(call.f), fft_(call.f.functions()), rows_(call.p, call.f, scratch), guard_(call.f, scratch) {
  tile_ = scratch.take_bytes(f_.tile_bytes);
  if (f_.filters > 1) transformed_ = scratch.take_bytes(f_.tile_bytes);
}

void TileJob::transform_and_write(const TileExtent& tile, const KernelView* kernels, char* y,
                                  const index_t* y_offsets) {
  const void* const* rows = rows_.rows();
  if (f_.filters == 1) {
    const FftRows out = rows_.results(y + y_offsets[0], tile);
    convolve_alone(f_, rows, tile_, kernels[0].spectrum, out, call_.run);
    return rows_.write(tile);
  }
  fft_.transform(f_.tile, rows, transformed_);
  for (index_t k = 0; k < f_.filters && f_.zips; k += 2) {
    for (int second : {0, 1}) {
      const FftRows sums = rows_.zipped_results(y + y_offsets[k], tile, second);
      fft_.invert(f_.tile, transformed_, kernels[k + second].spectrum, tile_, sums);
    }
    rows_.write_zipped(tile);
  }
  if (f_.zips) return;
  for (index_t k = 0; k < f_.filters; ++k) {
    fft_.invert(f_.tile, transformed_, kernels[k].spectrum, tile_, rows_.results(y + y_offsets[k], tile));
    rows_.write(tile);
  }
}

// Unsafe outputs that are few are computed apart, once the tile is written.
bool TileJob::redo_cheaply(const Arrays& arrays, const TileExtent& tile, const std::vector<OutputBox>& boxes) {
  const double affordable = 4 * fft_tile_seconds(f_) / static_cast<double>(f_.filters) + 5e-6;
  double seconds = 0;
  for (const OutputBox& box : boxes) {
    stop_if_asked(call_.run);
    seconds += predict_box(call_, arrays, tile, box);
    if (seconds > affordable) return false;
  }
  return true;
}

// What a careful tile takes, in tiles, as measured. Out of range it is done at the first level; loud beside quiet takes
// several. Direct sums of tiny samples would be of denormal numbers, a hundred times slower than others.
double TileJob::careful_tiles() const {
  constexpr double one_level = 5, several_levels = 25;
  if (guard_.in_range() && call_.taps_scale == 1) return several_levels;
  return guard_.energy() < 1 ? 0 : one_level;
}

void TileJob::run(const char* x, char* y, const TileExtent& tile, const KernelView* kernels, const index_t* y_offsets) {
  const void* const* rows = rows_.read(x, tile, call_.run.interrupt);
  const bool all_safe = guard_.look(rows, tile);
  if (all_safe && call_.taps_scale == 1) return transform_and_write(tile, kernels, y, y_offsets);
  if (guard_.in_range() && call_.taps_scale == 1) {
    const std::vector<OutputBox> boxes = guard_.unsafe(tile);
    if (redo_cheaply({x, kernels[0].h, y + y_offsets[0]}, tile, boxes)) {
      transform_and_write(tile, kernels, y, y_offsets);
      for (index_t k = 0; k < f_.filters; ++k) {
        for (const OutputBox& box : boxes) {
          stop_if_asked(call_.run);
          compute_box(call_, {x, kernels[k].h, y + y_offsets[k]}, tile, box);
        }
      }
      return;
    }
  }
  const OutputBox all = whole_tile(f_, tile);
  const Arrays first = {x, kernels[0].h, y + y_offsets[0]};
  const bool directly = predict_box_directly(call_, first, tile, all) < careful_tiles() * fft_tile_seconds(f_);
  for (index_t k = 0; k < f_.filters; ++k) {
    if (directly) {
      compute_box_directly(call_, {x, kernels[k].h, y + y_offsets[k]}, tile, all);
      continue;
    }
    compute_carefully(call_, kernels[k], {x, kernels[k].h, y + y_offsets[k]}, tile, rows, guard_, tile_, careful_);
  }
}

}  // namespace convcorr
