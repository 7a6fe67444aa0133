#include "execute/shared_tile.h"

#include <algorithm>
#include <vector>

#include "base/checked.h"
#include "execute/spectrum.h"
#include "execute/tile.h"
#include "plan/fft_shape.h"

namespace convcorr {
namespace {

constexpr index_t part_samples = 1 << 15;  // of a row that threads read together

// Rows of data in parts: of a single row stretches of it, else whole rows.
struct Parts {
  index_t count, rows;
};
Parts parts_of(const FftPlan& f) {
  if (f.tile.columns == 0) return {ceil_div(f.row_samples, part_samples), 1};
  const index_t rows = std::max<index_t>(part_samples / f.row_samples, 1);
  return {ceil_div(f.rows, rows), rows};
}

// A row of x that ends where x does needn't be copied: what lies beyond counts as zeros.
bool reads_x_itself(const Problem& p, const FftPlan& f) {
  return f.tile.columns == 0 && f.in_place && f.axis[0].axis.border == Border::constant && fill_is_zero(p);
}

// Of the kernel placed in rows.
index_t kernel_bytes(const FftPlan& f) {
  return f.tile.columns > 0 ? placed_bytes(f) : (f.axis[0].span + 1) * itemsize(f.compute);
}

// Part `number` of [0, f.shared_strips); which scalars of the row can be read is the caller's.
FftStrip shared_strip(const FftPlan& f, index_t number) {
  const index_t end = f.tile.columns > 0 ? f.tile.vectors : f.tile.lane.points / f.lanes / f.shared_blocks;
  const index_t first = number * f.shared_strip;
  return {f.shared_levels, first, std::min(first + f.shared_strip, end), 0, 0, nullptr};
}

class SharedTile {
 public:
  SharedTile(const Problem& p, const FftPlan& f, const Arrays& arrays, const Run& run, Scratch& scratch)
      : p_(p),
        f_(f),
        fft_(f.functions()),
        arrays_(arrays),
        run_(run),
        extent_(tile_extent(f, 0)),
        rows_(p, f, scratch, !reads_x_itself(p, f)),
        guard_(f, scratch),
        tile_(scratch.take_bytes(f.tile_bytes)),
        kernel_(scratch.take_bytes(f.tile_bytes)),
        taps_(scratch.take<char>(f.taps * itemsize(f.compute))),
        placed_(scratch.take<char>(kernel_bytes(f))),
        kernel_rows_(scratch.take<const void*>(f.rows)) {}

  static index_t bytes(const FftPlan& f, bool makes_rows) {
    return TileRows::bytes(f, makes_rows) + WindowGuard::bytes(f) + 2 * Scratch::padded(f.tile_bytes) +
           Scratch::padded(f.taps * itemsize(f.compute)) + Scratch::padded(kernel_bytes(f)) +
           Scratch::padded(f.rows * static_cast<index_t>(sizeof(void*))) + 8 * Scratch::line;
  }

  bool run() {
    if (!place_kernel()) return false;
    read_data();
    const bool all_safe = look();
    std::vector<OutputBox> boxes;
    if (!all_safe && !can_redo(boxes)) return false;
    enter();
    run_jobs(ceil_div(f_.shared_blocks, f_.shared_blocks_per_job), run_, [&](index_t job, Worker&) {
      const index_t first = job * f_.shared_blocks_per_job;
      const index_t end = std::min(first + f_.shared_blocks_per_job, f_.shared_blocks);
      fft_.middle(f_.tile, f_.shared_levels, first, end, tile_, kernel_, false);
    });
    leave();
    const FftCall call = {p_, f_, 1, run_};
    Poll poll(run_);
    for (const OutputBox& box : boxes) {
      poll.stop_if_asked();
      compute_box(call, arrays_, extent_, box);
    }
    return true;
  }

 private:
  // False where taps aren't finite, or too large or small to be transformed as they are.
  bool place_kernel() {
    const index_t parts = f_.tile.columns == 0 ? ceil_div(f_.taps, part_samples) : 1;
    std::vector<TapsSummary> sums(static_cast<std::size_t>(parts));
    run_jobs(parts, run_, [&](index_t part, Worker&) {
      const index_t first = part * part_samples;
      const index_t count = f_.tile.columns == 0 ? std::min(part_samples, f_.taps - first) : f_.taps;
      sums[static_cast<std::size_t>(part)] = load_taps(p_, f_, arrays_.h, first, count, taps_);
    });
    TapsSummary all;
    for (const TapsSummary& s : sums)
      all.largest = std::max(all.largest, s.largest), all.finite = all.finite && s.finite;
    if (!all.finite || taps_scale(f_, all.largest) != 1) return false;
    if (f_.tile.columns > 0) {
      place_taps(f_, taps_, 1, placed_, kernel_rows_);
      return true;
    }
    // Only tap 0 stands at the block's start, the others at its end: what lies between needs no memory.
    const FftAxisPlan& x = f_.axis[0];
    const index_t begin = x.block - x.span;
    char* const row = placed_ - begin * itemsize(f_.compute);
    kernel_rows_[0] = row;
    place_taps_part(f_, taps_, 0, 1, origin_);
    run_jobs(ceil_div(x.span, part_samples), run_, [&](index_t part, Worker&) {
      const index_t first = part * part_samples;
      place_taps_part(f_, taps_, begin + first, std::min(part_samples, x.span - first), row);
    });
    return true;
  }

  void read_data() {
    if (reads_x_itself(p_, f_)) {
      const SpatialAxis& a = f_.axis[0].axis;
      const int each = scalars(f_.compute);
      const index_t start = extent_.first[0] + a.offset;
      x_row_ = arrays_.x + start * itemsize(f_.compute);
      low_ = std::max<index_t>(0, -start) * each;
      high_ = std::max<index_t>(std::min(f_.row_samples, a.in - start), 0) * each;
      x_rows_ = &x_row_;
      return;
    }
    rows_.start(extent_);
    const Parts parts = parts_of(f_);
    const index_t jobs = f_.tile.columns == 0 ? 1 : parts.count;
    run_jobs(jobs, run_, [&](index_t job, Worker&) {
      rows_.make(arrays_.x, extent_, job * parts.rows, std::min((job + 1) * parts.rows, f_.rows));
    });
    x_rows_ = rows_.rows();
    high_ = f_.row_samples * scalars(f_.compute);
  }

  bool look() {
    if (f_.tile.columns > 0) return guard_.look(x_rows_, extent_);
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
    const double affordable = fft_tile_seconds(f_);
    double seconds = 0;
    Poll poll(run_);
    for (const OutputBox& box : boxes) {
      poll.stop_if_asked();
      seconds += predict_box(call, arrays_, extent_, box);
      if (seconds > affordable) return false;
    }
    return true;
  }

  void enter() {
    run_jobs(2 * f_.shared_strips, run_, [&](index_t job, Worker&) {
      FftStrip s = shared_strip(f_, job / 2);
      if (job % 2 == 0) {
        if (f_.tile.columns == 0) {
          s.low = (f_.axis[0].block - f_.axis[0].span) * scalars(f_.compute);
          s.high = f_.axis[0].block * scalars(f_.compute);
          s.origin = origin_;
        }
        return fft_.enter(f_.tile, s, kernel_rows_, kernel_);
      }
      s.low = low_;
      s.high = high_;
      fft_.enter(f_.tile, s, x_rows_, tile_);
    });
  }

  void leave() {
    const FftRows out = rows_.results(arrays_.y, extent_);
    run_jobs(f_.shared_strips, run_,
             [&](index_t job, Worker&) { fft_.leave(f_.tile, shared_strip(f_, job), tile_, out); });
    rows_.write(extent_);
  }

  const Problem& p_;
  const FftPlan& f_;
  const FftFunctions& fft_;
  const Arrays& arrays_;
  const Run& run_;
  const TileExtent extent_;
  TileRows rows_;
  WindowGuard guard_;
  void *tile_, *kernel_;
  char *taps_, *placed_;
  alignas(16) char origin_[16] = {};  // tap 0
  const void** kernel_rows_;
  const void* x_row_ = nullptr;
  const void* const* x_rows_ = nullptr;
  index_t low_ = 0, high_ = 0;  // scalars of x's row that can be read
};

}  // namespace

bool run_shared_tile(const Problem& p, const FftPlan& f, const Arrays& arrays, const Run& run) {
  Scratch scratch(SharedTile::bytes(f, !reads_x_itself(p, f)));
  return SharedTile(p, f, arrays, run, scratch).run();
}

void convolve_alone(const FftPlan& f, const void* const* rows, void* tile, const void* spectrum, const FftRows& out,
                    const Run& run) {
  const FftFunctions& fft = f.functions();
  if (!f.shared) return fft.convolve(f.tile, rows, tile, spectrum, out);
  for (index_t i = 0; i < f.shared_strips; ++i) {
    stop_if_asked(run);
    FftStrip strip = shared_strip(f, i);
    strip.high = f.row_samples * scalars(f.compute);
    fft.enter(f.tile, strip, rows, tile);
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
