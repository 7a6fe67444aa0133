#include "plan/fused_plan.h"

#include <algorithm>
#include <utility>

#include "base/buffer.h"
#include "base/checked.h"
#include "plan/cost.h"
#include "problem/part.h"

namespace convcorr {
namespace {

DType dtype_of(Compute c) {
  constexpr DType of[compute_count] = {DType::u16, DType::u32,  DType::u64, DType::f32, DType::f64,
                                       DType::c64, DType::c128, DType::c64, DType::c128};
  return of[static_cast<int>(c)];
}

// The first filter: the lane has one tap, and as many outputs as the second filter reads.
Problem first_of(const FusedProblem& f) {
  Problem q = f.p;
  SpatialAxis& lane = q.spatial[f.second];
  lane.out = checked_add(lane.out, checked_mul(lane.kernel - 1, lane.dilation));
  lane.kernel = lane.dilation = 1;
  if (f.first >= 0) q.spatial[f.first].h_stride = f.along_first.stride;
  q.summation = f.along_first.summation;
  q.divisor = f.along_first.divisor;
  q.bound = f.along_first.bound;
  return q;
}

// The second one, of a line of first's sums.
Problem second_of(const FusedProblem& f, const DirectPlan& rows) {
  const SpatialAxis& lane = f.p.spatial[f.second];
  const index_t size = itemsize(rows.compute);
  Problem q = f.p;
  q.x_type = dtype_of(rows.compute);
  q.x_swapped = false;
  q.outer_count = 0;
  q.spatial_count = 1;
  q.spatial[0] = plain_axis(rows.strip + rows.overlap, lane.kernel, rows.strip);
  q.spatial[0].dilation = lane.dilation * rows.group;
  q.spatial[0].x_stride = size;
  q.spatial[0].h_stride = f.along_second.stride;
  q.spatial[0].y_stride = rows.lane.y_stride;
  q.summation = f.along_second.summation;
  q.divisor = f.along_second.divisor;
  q.bound = f.along_second.bound;
  return q;
}

index_t taps_on(const Problem& p, int axis) { return axis < 0 ? 1 : p.spatial[axis].kernel; }

bool is_wide_box(const Factor& f, index_t taps) { return f.box && taps >= wide_box; }

// Whether the direct engine's lane is the second filter's, and its rows are the first one's.
bool is_laid_out(const FusedProblem& f, const DirectPlan& rows) {
  const bool lies = rows.lane_from == f.second && rows.row_from == (taps_on(f.p, f.first) > 1 ? f.first : -1);
  return lies && rows.channel_axes == 0 && rows.planes == 1 && !rows.taps_per_slice && !is_pair(rows.compute);
}

bool plan_rows(const FusedProblem& f, FusedPlan& plan) {
  if (f.second < 0 || f.p.spatial[f.second].stride != 1) return false;
  const SpatialAxis& lane = f.p.spatial[f.second];
  plan.box_rows = is_wide_box(f.along_first, taps_on(f.p, f.first));
  plan.box_line = is_wide_box(f.along_second, lane.kernel);
  const bool alone = lane.kernel == 1 || taps_on(f.p, f.first) == 1;
  if (alone && !plan.box_rows && !plan.box_line) return false;
  plan.first = first_of(f);
  if (refuse_direct(plan.first)) return false;
  const index_t span = plan.first.spatial[f.second].out - lane.out;
  plan.rows = {};
  make_direct_plan(plan.first, plan.rows, Products::fewest, span);
  if (!is_laid_out(f, plan.rows)) return false;
  if (plan.rows.group > 1) {
    const index_t overlap = checked_mul(span, plan.rows.group);
    plan.rows = {};
    make_direct_plan(plan.first, plan.rows, Products::fewest, overlap);
  }
  plan.first_taps = f.along_first.taps;
  plan.second_taps = f.along_second.taps;
  return true;
}

FusedProblem exchanged(const FusedProblem& f) {
  FusedProblem g = f;
  std::swap(g.first, g.second);
  std::swap(g.along_first, g.along_second);
  return g;
}

void size_scratch(const FusedProblem& f, FusedPlan& plan) {
  const DirectPlan& rows = plan.rows;
  const index_t size = itemsize(rows.compute);
  const index_t wide = checked_add(checked_add(rows.strip, rows.overlap), rows.register_elements);
  plan.row_bytes = Scratch::padded(checked_mul(wide, size));
  index_t bytes = checked_add(rows.job_bytes, checked_mul(rows.block_rows + 1, plan.row_bytes));
  if (f.narrows) bytes = checked_add(bytes, Scratch::padded(checked_mul(wide, itemsize(f.between))));
  if (plan.line.ordered || plan.line.settled)
    bytes = checked_add(bytes, Scratch::padded(checked_mul(plan.line.taps, 2 * sizeof(void*))));
  const index_t columns = Scratch::padded(checked_mul(plan.line.lane.kernel, sizeof(index_t)));
  bytes = checked_add(checked_add(bytes, columns), 4 * Scratch::line);
  if (plan.box_rows) bytes = checked_add(bytes, checked_mul(rows.row.kernel + 1, plan.row_bytes));
  if (plan.box_line) bytes = checked_add(bytes, plan.row_bytes);
  plan.job_bytes = bytes;
}

double seconds_of(const FusedProblem& f, const FusedPlan& plan) {
  constexpr double box_taps = 6;  // as many products take the time of a box
  const DirectCost along = cost_model().direct(plan.rows.compute, plan.line.one_row);
  const auto taps = [](bool box, const DirectPlan& d) { return box ? box_taps : static_cast<double>(d.taps); };
  const double fewer = static_cast<double>(plan.rows.taps) - taps(plan.box_rows, plan.rows);
  const DirectCost down = cost_model().direct(plan.rows.compute, false);
  const double outputs = output_count(f.p);
  return plan.rows.seconds + outputs * (along.product * taps(plan.box_line, plan.line) - down.product * fewer);
}

}  // namespace

bool make_fused_plan(const FusedProblem& f, FusedPlan& plan) {
  const bool planned = plan_rows(f, plan);
  if (!planned && !f.ordered && plan_rows(exchanged(f), plan)) {
    FusedProblem g = exchanged(f);
    g.ordered = true;
    return make_fused_plan(g, plan);
  }
  if (!planned) return false;
  plan.second = second_of(f, plan.rows);
  plan.line = {};
  make_direct_plan(plan.second, plan.line);
  const index_t size = itemsize(plan.rows.compute);
  const SpatialAxis& lane = plan.rows.lane;
  plan.narrows = f.narrows;
  plan.between = f.between;
  plan.refills = f.refills && lane.border == Border::constant;
  plan.out_in_place = lane.y_stride == size && dtype_of(plan.rows.compute) == f.p.y_type;
  plan.seconds = seconds_of(f, plan);
  size_scratch(f, plan);
  return true;
}

}  // namespace convcorr
