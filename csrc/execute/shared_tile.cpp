#include "execute/shared_tile.h"

#include <algorithm>
#include <vector>

#include "base/border.h"
#include "base/checked.h"
#include "execute/shared_kernel.h"
#include "execute/tile.h"
#include "plan/fft_shape.h"
#include "problem/odometer.h"

namespace convcorr {
namespace {

constexpr index_t part_samples = 1 << 15;  // that a thread makes at a time

// Rows of x needn't be copied where what lies beyond them counts as zeros.
bool reads_x_itself(const Problem& p, const FftPlan& f) {
  return f.in_place && f.axis[f.axes - 1].axis.border == Border::constant && fill_is_zero(p);
}

// The plan as the guard must see it: blocks that hold all positions, those too that wrapping leaves out.
FftPlan looked_at(const FftPlan& f) {
  FftPlan all = f;
  all.rows = 1;
  for (int a = 0; a < f.axes; ++a) {
    FftAxisPlan& x = all.axis[a];
    if (x.block < x.dense + x.span) x.block = ceil_div(x.dense + x.span, f.lanes) * f.lanes;
    if (a < f.tile.columns) all.rows = checked_mul(all.rows, x.block);
  }
  all.row_samples = all.axis[f.axes - 1].block;
  return all;
}

// What a tile needs besides its plan.
struct Views {
  explicit Views(const FftPlan& f) : looked(looked_at(f)), made(f.tile.columns > 0 ? looked : f) {
    made.out_in_place = true;  // its rows are only read
  }
  const FftPlan looked;
  FftPlan made;  // a single row is made as the block wants it; of several, the guard wants all of each
};

class SharedTile {
 public:
  SharedTile(const Problem& p, const FftPlan& f, const Views& views, const Arrays& arrays, const Run& run,
             void* spectrum, Scratch& scratch)
      : p_(p),
        f_(f),
        fft_(f.functions()),
        arrays_(arrays),
        run_(run),
        spectrum_(spectrum),
        extent_(tile_extent(f, 0)),
        made_(p, views.made, scratch, !reads_x_itself(p, f)),
        results_(p, f, scratch, false),
        guard_(views.looked, scratch),
        tile_(scratch.take_bytes(tile_room(p, f, views))),
        kernel_(p, f, arrays.h, scratch),
        kernel_tile_(spectrum ? nullptr : scratch.take_bytes(f.tile_bytes / f.shared_parts)),
        x_rows_(scratch.take<const void*>(f.rows)) {}

  static index_t bytes(const Problem& p, const FftPlan& f, const Views& views, bool has_spectrum) {
    const index_t kernel_tile = has_spectrum ? 0 : Scratch::padded(f.tile_bytes / f.shared_parts);
    return TileRows::bytes(views.made, !reads_x_itself(p, f)) + TileRows::bytes(f, false) +
           WindowGuard::bytes(views.looked) + Scratch::padded(tile_room(p, f, views)) + SharedKernel::bytes(p, f) +
           kernel_tile + Scratch::padded(f.rows * static_cast<index_t>(sizeof(void*))) + 8 * Scratch::line;
  }

  // Leaves the outputs that are to be done again.
  bool run(std::vector<OutputBox>& boxes) {
    if (!spectrum_ && !kernel_.read(run_)) return false;
    read_data();
    if (!look() && !can_redo(boxes)) return false;
    for (index_t part = 0; part < f_.shared_parts; ++part) {
      enter(part);
      middle(part);
    }
    leave();
    return true;
  }

 private:
  // Rows that only the guard wants are made where the tile will be.
  static index_t tile_room(const Problem& p, const FftPlan& f, const Views& views) {
    const bool lent = f.tile.columns > 0 && reads_x_itself(p, f);
    return lent ? std::max(f.tile_bytes, TileRows::room(views.made)) : f.tile_bytes;
  }

  void read_data() {
    const bool itself = reads_x_itself(p_, f_);
    const SpatialAxis& lane = f_.axis[f_.axes - 1].axis;
    const index_t each = scalars(f_.compute), start = extent_.first[f_.axes - 1] + lane.offset;
    low_ = itself ? std::max<index_t>(0, -start) * each : 0;
    high_ = itself ? std::max<index_t>(std::min(f_.row_samples, lane.in - start), 0) * each : f_.row_samples * each;
    if (!itself || f_.tile.columns > 0) make_rows(itself);
    if (itself) return point_at_x(start);
    const FftPlan& made = made_.plan();
    Odometer at;
    for (int a = 0; a < f_.tile.columns; ++a) at.add_axis(f_.axis[a].block);
    for (index_t r = 0; r < f_.rows; ++r, at.next()) {
      index_t from = 0;
      for (int a = 0; a < f_.tile.columns; ++a) from = from * made.axis[a].block + at.at[a];
      x_rows_[r] = made_.rows()[from];
    }
  }

  void make_rows(bool for_guard_alone) {
    if (for_guard_alone) made_.make_in(static_cast<char*>(tile_));
    made_.start(extent_);
    const FftPlan& made = made_.plan();
    const index_t together = std::max<index_t>(part_samples / made.row_samples, 1);
    run_jobs(ceil_div(made.rows, together), run_, [&](index_t job, Worker& worker) {
      made_.make(arrays_.x, extent_, job * together, std::min((job + 1) * together, made.rows), interrupt_of(worker));
    });
  }

  // Null where a row lies outside x.
  void point_at_x(index_t start) {
    Odometer at;
    for (int a = 0; a < f_.tile.columns; ++a) at.add_axis(f_.axis[a].block);
    for (index_t r = 0; r < f_.rows; ++r, at.next()) {
      const char* row = arrays_.x + start * itemsize(f_.compute);
      bool inside = true;
      for (int a = 0; a < f_.tile.columns; ++a) {
        const FftAxisPlan& c = f_.axis[a];
        const index_t i = at.at[a] < extent_.count[a] + c.span
                              ? border_index(extent_.first[a] + at.at[a] + c.axis.offset, c.axis.in, c.axis.border)
                              : -1;
        inside = inside && i >= 0;
        row += i * c.axis.x_stride;
      }
      x_rows_[r] = inside ? row : nullptr;
    }
  }

  bool look() {
    if (f_.tile.columns > 0) return guard_.look(made_.rows(), extent_);
    const index_t cells = guard_.row_cells(), per_job = std::max<index_t>(cells / 32, 1);
    run_jobs(ceil_div(cells, per_job), run_, [&](index_t job, Worker&) {
      guard_.sum_cells(x_rows_[0], low_, high_, job * per_job, std::min((job + 1) * per_job, cells));
    });
    return guard_.judge_cells(extent_);
  }

  bool can_redo(std::vector<OutputBox>& boxes) {
    if (!guard_.in_range()) return false;
    boxes = guard_.unsafe(extent_);
    const FftCall call = {p_, f_, 1, run_};
    const double affordable = 3 * fft_tile_seconds(f_);  // the other way takes more than that
    double seconds = 0;
    Poll poll(run_);
    for (const OutputBox& box : boxes) {
      poll.stop_if_asked();
      seconds += predict_box(call, arrays_, extent_, box);
      if (seconds > affordable) return false;
    }
    return true;
  }

  // The data go in whole, with the kernel's first part.
  void enter(index_t part) {
    const index_t kernel_jobs = spectrum_ ? 0 : f_.shared_strips, data_jobs = part == 0 ? f_.shared_strips : 0;
    const FftAxis& outer = f_.tile.columns > 0 ? f_.tile.column[0] : f_.tile.lane;
    run_jobs(kernel_jobs + data_jobs, run_, [&](index_t job, Worker&) {
      if (job < kernel_jobs) {
        void* const tile = part_origin(f_, kernel_tile_, part);
        return fft_.enter(f_.tile, shared_strip(f_, job), kernel_.input(part), tile);
      }
      const FftInput x = {x_rows_, low_, high_, 0, 1, 1, 0, outer.radix[0]};
      fft_.enter(f_.tile, shared_strip(f_, job - kernel_jobs), x, tile_);
    });
  }

  void middle(index_t part) {
    const index_t blocks = f_.shared_blocks / f_.shared_parts, per_job = f_.shared_blocks_per_job;
    void* const kernel = spectrum_ ? spectrum_ : part_origin(f_, kernel_tile_, part);
    run_jobs(ceil_div(blocks, per_job), run_, [&](index_t job, Worker&) {
      const index_t first = job * per_job, end = std::min(first + per_job, blocks), shift = part * blocks;
      fft_.middle(f_.tile, f_.shared_levels, shift + first, shift + end, tile_, kernel, spectrum_ != nullptr);
    });
  }

  void leave() {
    const FftRows out = results_.results(arrays_.y, extent_);
    run_jobs(f_.shared_strips, run_,
             [&](index_t job, Worker&) { fft_.leave(f_.tile, shared_strip(f_, job), tile_, out); });
    results_.write(extent_);
  }

  const Problem& p_;
  const FftPlan& f_;
  const FftFunctions& fft_;
  const Arrays& arrays_;
  const Run& run_;
  void* const spectrum_;
  const TileExtent extent_;
  TileRows made_, results_;
  WindowGuard guard_;
  void* tile_;
  SharedKernel kernel_;
  void* kernel_tile_;
  const void** x_rows_;
  index_t low_ = 0, high_ = 0;  // scalars of x's rows that can be read
};

}  // namespace

index_t shared_tile_bytes(const Problem& p, const FftPlan& f, bool has_spectrum) {
  return SharedTile::bytes(p, f, Views(f), has_spectrum);
}

bool run_shared_tile(const Problem& p, const FftPlan& f, const Arrays& arrays, const Run& run, void* spectrum) {
  const Views views(f);
  std::vector<OutputBox> boxes;
  {
    Scratch scratch(SharedTile::bytes(p, f, views, spectrum != nullptr));
    if (!SharedTile(p, f, views, arrays, run, spectrum, scratch).run(boxes)) return false;
  }
  // Done in scratch of their own, now that the tile's is free.
  const FftCall call = {p, f, 1, run};
  Poll poll(run);
  for (const OutputBox& box : boxes) {
    poll.stop_if_asked();
    compute_box(call, arrays, tile_extent(f, 0), box);
  }
  return true;
}

void convolve_alone(const FftPlan& f, const void* const* rows, void* tile, const void* spectrum, const FftRows& out,
                    const Run& run) {
  const FftFunctions& fft = f.functions();
  if (!f.shared) return fft.convolve(f.tile, rows, tile, spectrum, out);
  const FftAxis& outer = f.tile.columns > 0 ? f.tile.column[0] : f.tile.lane;
  const FftInput in = {rows, 0, f.row_samples * scalars(f.compute), 0, 1, 1, 0, outer.radix[0]};
  for (index_t i = 0; i < f.shared_strips; ++i) {
    stop_if_asked(run);
    fft.enter(f.tile, shared_strip(f, i), in, tile);
  }
  for (index_t first = 0; first < f.shared_blocks; first += f.shared_blocks_per_job) {
    stop_if_asked(run);
    const index_t end = std::min(first + f.shared_blocks_per_job, f.shared_blocks);
    fft.middle(f.tile, f.shared_levels, first, end, tile, const_cast<void*>(spectrum),
               true);  // which it only reads then
  }
  for (index_t i = 0; i < f.shared_strips; ++i) {
    stop_if_asked(run);
    fft.leave(f.tile, shared_strip(f, i), tile, out);
  }
}

}  // namespace convcorr
