#include "execute/winograd.h"

#include <algorithm>
#include <atomic>
#include <cstdint>

#include "base/buffer.h"
#include "base/checked.h"
#include "dispatch/registry.h"
#include "execute/bias.h"
#include "execute/direct.h"
#include "execute/winograd_tiles.h"
#include "execute/winograd_transforms.h"
#include "kernels/gemm_table.h"
#include "problem/odometer.h"
#include "problem/part.h"

namespace convcorr {
namespace {

// Samples and taps that were transformed before the jobs; null where each job makes its own.
struct Shared {
  char* samples;
  const char* taps;
};

// The outputs of one piece again, by sliding sums: an infinite sample meets its own windows only.
void redo_piece(const WinogradCall& call, index_t group, const PlacedPiece& at, index_t first, index_t count,
                Worker& worker) {
  const WinogradPlan& w = call.w;
  Problem part = call.p;
  Arrays arrays = call.arrays;
  const RoleOffset &image = call.images[at.image], &of_group = call.groups[group];
  arrays.x += image.x + of_group.x;
  arrays.h += of_group.h;
  const bool all = count == w.outs;
  for (int a = 0; a < part.outer_count; ++a) {
    OuterAxis& o = part.outer[a];
    if (o.role == Role::batch || o.role == Role::group || (o.role == Role::out_channel && !all)) o.size = 1;
  }
  const SpatialAxis &row = row_axis_of(call.p, w), &lane = call.p.spatial[w.lane_axis];
  const index_t rows = w.rows.outputs, y = at.tile_row * rows, m = w.lane.outputs, x = at.tile_column * m;
  index_t of_image[max_spatial];
  call.find_image(at.image, of_image);
  for (int a = 0; a < part.spatial_count; ++a) {
    if (!call.is_tiled(a)) keep_outputs(part, arrays, a, of_image[a], 1);
  }
  arrays.y = call.arrays.y + image.y + of_group.y;  // an image's y knows of those axes
  if (w.row_axis >= 0) keep_outputs(part, arrays, w.row_axis, y, std::min(rows, row.out - y));
  keep_outputs(part, arrays, w.lane_axis, x, std::min(m * at.tiles, lane.out - x));
  DirectPlan d;
  make_direct_plan(part, d);
  Run run;
  run.interrupt = interrupt_of(worker);
  for (index_t o = first; o < first + count; o += all ? count : 1) {
    Arrays of_out = arrays;
    if (!all) {
      of_out.h += call.outs[o].h;
      of_out.y += call.outs[o].y;
    }
    run_direct(part, d, of_out, run);
    if (call.bias.empty()) continue;
    of_out.bias = call.bias.data() + (group * w.outs + o) * itemsize(call.p.y_type);
    add_bias(part, of_out, run);
  }
}

// What one job works with.
class Job {
 public:
  Job(const WinogradCall& call, const Shared& shared, Scratch& scratch) : call_(call), w_(call.w), shared_(shared) {
    const index_t size = itemsize(w_.compute), points = w_.points;
    sums_ = scratch.take<char>(w_.sum_point * points * size);
    if (!shared.samples) samples_ = scratch.take<char>(w_.sample_point * points * size);
    for (index_t v = 1; v <= w_.panel_registers; ++v) {
      offsets_[v].resize(static_cast<std::size_t>(w_.depth));
      for (index_t k = 0; k < w_.depth; ++k) offsets_[v][static_cast<std::size_t>(k)] = k * v * w_.lanes;
    }
    if (!shared.taps) taps_ = scratch.take<char>(w_.group_taps * size);
  }

  void run(index_t number, Worker& worker) {
    group_ = number / (w_.blocks * w_.out_jobs);
    const index_t block = number / w_.out_jobs % w_.blocks, out_job = number % w_.out_jobs;
    const index_t first = block * w_.block_registers, size = itemsize(w_.compute);
    const index_t registers = std::min(w_.block_registers, w_.registers - first);
    const Tiles tiles(call_, first, registers, call_.sections[0]);
    const index_t points = w_.points;
    const char* samples = samples_;
    if (shared_.samples) {
      samples = shared_.samples + group_ * w_.sample_point * points * size;
    } else {
      transform_samples(call_, group_, tiles, 0, 0, w_.ins, samples_);
      for (index_t s = 1; s < w_.sections; ++s) {
        const Tiles others(call_, first, registers, call_.sections[s]);
        transform_samples(call_, group_, others, s, 0, w_.ins, samples_);
      }
    }
    std::vector<unsigned> faulty(static_cast<std::size_t>(tiles.registers()));
    const index_t begin = out_job * w_.outs_per_job, end = std::min(begin + w_.outs_per_job, w_.outs);
    for (index_t o = begin; o < end && !worker.should_stop(); o += w_.outs_at_once) {
      const index_t count = std::min(w_.outs_at_once, end - o);
      if (w_.turned) {
        multiply_turned(samples, taps_of(o, count));
      } else {
        multiply(samples, taps_of(o, count), count, tiles.registers());
      }
      transform_sums(tiles, o, count, faulty);
    }
    for (index_t r = 0; r < tiles.registers(); ++r) {
      for (index_t k = 0; k < tiles.pieces(r) && faulty[r]; ++k) {
        const PlacedPiece& at = tiles.placed(r)[k];
        const unsigned lanes = ((1u << at.tiles) - 1) << at.lane;
        if ((faulty[r] & lanes) && !worker.should_stop()) redo_piece(call_, group_, at, begin, end - begin, worker);
      }
    }
  }

 private:
  const char* taps_of(index_t first, index_t count) {
    const index_t size = itemsize(w_.compute);
    if (shared_.taps) {
      return shared_.taps + (group_ * w_.group_taps + taps_before(w_, first)) * size;
    }
    transform_taps(call_, group_, first, count, taps_);  // infinite ones show in the sums
    return taps_;
  }

  // What makes all sums of a panel: f(row of its samples, chunk of its taps, in channels).
  template <class F>
  void for_chunks(const F& f) const {
    index_t chunk = 0;
    for (index_t s = 0; s < w_.sections; ++s) {
      for (index_t k = 0; k < w_.ins; k += w_.depth) f(s * w_.ins + k, chunk++, std::min(w_.depth, w_.ins - k));
    }
  }

  void multiply(const char* samples, const char* taps, index_t outs, index_t registers) const {
    const index_t size = itemsize(w_.compute);
    const GemmTable& table = *kernels().gemm;
    const GemmFunctions& gemm = w_.compute == Compute::f32 ? table.f32 : table.f64;
    for (int point = 0; point < w_.points; ++point) {
      const char* const panels = samples + point * w_.sample_point * size;
      const char* const of_point = taps + point * w_.tap_point * size;
      for (index_t r = 0; r < registers; r += w_.panel_registers) {
        const index_t width = panel_of(w_, r, registers).registers, pitch = width * w_.lanes;
        char* const sums = sums_ + (point * w_.sum_point + r * w_.lanes * outs) * size;
        for_chunks([&](index_t row, index_t chunk, index_t depth) {
          gemm.multiply({of_point + chunk * w_.tap_chunk * size, w_.depth, 0,
                         panels + (r * w_.products * w_.lanes + row * pitch) * size, offsets_[width].data(), depth,
                         static_cast<int>(width), sums, pitch, outs, pitch, nullptr, row > 0});
        });
      }
    }
  }

  // Out channels are the columns of one panel.
  void multiply_turned(const char* samples, const char* taps) const {
    const index_t size = itemsize(w_.compute), tiles = w_.images * w_.tile_rows * w_.tile_columns;
    const GemmTable& table = *kernels().gemm;
    const GemmFunctions& gemm = w_.compute == Compute::f32 ? table.f32 : table.f64;
    for (int point = 0; point < w_.points; ++point) {
      for_chunks([&](index_t row, index_t, index_t depth) {
        gemm.multiply({samples + (point * w_.sample_point + row * w_.row_tile) * size, 0, w_.products * w_.row_tile,
                       taps + (point * w_.tap_point + row * w_.outs_at_once) * size,
                       offsets_[w_.panel_registers].data(), depth, w_.panel_registers,
                       sums_ + point * w_.sum_point * size, w_.outs_at_once, tiles, w_.outs_at_once, nullptr, row > 0});
      });
    }
  }

  // faulty: the lanes of each register whose outputs aren't finite.
  void transform_sums(const Tiles& tiles, index_t first, index_t count, std::vector<unsigned>& faulty) {
    const index_t size = itemsize(w_.compute);
    channels_.resize(static_cast<std::size_t>(count));
    for (index_t c = 0; c < count; ++c) channels_[c] = call_.y(group_, first + c);
    rows_.resize(static_cast<std::size_t>(sums_bytes(w_, tiles.most_pieces())));
    const auto* bias = reinterpret_cast<const char*>(call_.summed_bias.data());
    if (!call_.bias.empty()) bias += (group_ * w_.outs + first) * size;
    for (index_t r = 0; r < tiles.registers(); ++r) {
      const Panel panel = panel_of(w_, r, tiles.registers());
      index_t pitch = panel.registers * w_.lanes;
      index_t at = panel.first_register * w_.lanes * count + (r - panel.first_register) * w_.lanes;
      if (w_.turned) {
        pitch = w_.outs_at_once;
        at = r * w_.lanes * pitch;
      }
      const auto output = w_.turned ? call_.kernels.output_turned : call_.kernels.output;
      WinogradOutput out = {tiles.piece(r), tiles.pieces(r), sums_ + at * size, w_.sum_point, pitch, count,
                            bias,           channels_.data()};
      if (w_.y_in_place) {
        faulty[r] |= output(out);
        continue;
      }
      void* const rows = rows_.data();
      out.channels = 1;
      out.y = &rows;
      for (index_t c = 0; c < count; ++c) {
        faulty[r] |= output(out);
        store_rows(call_, tiles.placed(r), tiles.pieces(r), rows_.data(), static_cast<char*>(channels_[c]));
        out.sums = static_cast<const char*>(out.sums) + (w_.turned ? 1 : pitch) * size;
        if (bias) out.bias = static_cast<const char*>(out.bias) + size;
      }
    }
  }

  const WinogradCall& call_;
  const WinogradPlan& w_;
  const Shared& shared_;
  index_t group_ = 0;
  char *sums_, *samples_ = nullptr, *taps_ = nullptr;
  std::vector<index_t> offsets_[8];  // of the rows of panels so many registers wide
  std::vector<void*> channels_;
  std::vector<char> rows_;
};

// All taps; returns whether they're finite.
bool share_taps(const WinogradCall& call, char* taps, Run run) {
  const WinogradPlan& w = call.w;
  constexpr index_t squares_per_job = 4096;
  const index_t outs_per_job = w.turned ? w.outs_at_once : std::clamp<index_t>(squares_per_job / w.products, 1, w.outs);
  const index_t stripes = ceil_div(w.outs, outs_per_job), size = itemsize(w.compute);
  std::atomic<bool> finite{true};
  run.seconds = w.tap_seconds;
  run_jobs(w.groups * stripes, run, [&](index_t job, Worker&) {
    const index_t group = job / stripes, first = job % stripes * outs_per_job;
    char* const points = taps + (group * w.group_taps + taps_before(w, first)) * size;
    if (!transform_taps(call, group, first, std::min(outs_per_job, w.outs - first), points)) finite.store(false);
  });
  return finite.load();
}

void share_samples(const WinogradCall& call, char* samples, Run run) {
  const WinogradPlan& w = call.w;
  constexpr index_t transforms_per_job = 64;
  const index_t channels = std::clamp<index_t>(transforms_per_job / w.registers, 1, w.ins);
  const index_t stripes = ceil_div(w.ins, channels);
  std::vector<Tiles> tiles;
  for (const Section& section : call.sections) tiles.emplace_back(call, 0, w.registers, section);
  run.seconds = w.sample_seconds;
  run_jobs(w.groups * w.sections * stripes, run, [&](index_t job, Worker&) {
    const index_t group = job / (w.sections * stripes), s = job / stripes % w.sections,
                  first = job % stripes * channels;
    char* const points = samples + group * w.sample_point * w.points * itemsize(w.compute);
    transform_samples(call, group, tiles[s], s, first, std::min(channels, w.ins - first), points);
  });
}

void run_by_sums(const Problem& p, const Arrays& arrays, Run run) {
  DirectPlan d;
  make_direct_plan(p, d);
  run.seconds = d.seconds;
  run_direct(p, d, arrays, run);
  if (arrays.bias) add_bias(p, arrays, run);
}

// `taps` is null where nothing is prepared.
void run_layer(const Problem& p, const WinogradPlan& w, const Arrays& arrays, const char* taps, Run run) {
  const WinogradCall call(p, w, arrays);
  const index_t size = itemsize(w.compute);
  Scratch scratch(w.shared_bytes, w.job_bytes);
  Shared shared = {nullptr, taps};
  if (!taps && w.shares_taps) {
    char* const own = scratch.take<char>(w.shared_taps * size);
    if (!share_taps(call, own, run)) return run_by_sums(p, arrays, run);
    shared.taps = own;
  }
  if (w.shares_samples) {
    shared.samples = scratch.take<char>(w.shared_samples * size);
    share_samples(call, shared.samples, run);
  }
  run.seconds = w.seconds - w.tap_seconds - w.sample_seconds;
  run_jobs(w.jobs, run, [&](index_t number, Worker& worker) {
    Scratch own(w.job_bytes);
    Job(call, shared, own).run(number, worker);
  });
}

}  // namespace

void run_winograd(const Problem& p, const WinogradPlan& w, const Arrays& arrays, const Run& run) {
  run_layer(p, w, arrays, nullptr, run);
}

PreparedWinograd::PreparedWinograd(const Problem& p, const WinogradPlan& w, const char* h, const Run& run)
    : w_(with_prepared_taps(w)), block_(w_.shared_taps * itemsize(w.compute)) {
  taps_ = block_.data();
  finite_ = share_taps(WinogradCall(p, w_, {nullptr, h, nullptr}), taps_, run);
}

bool PreparedWinograd::serves(const WinogradPlan& w) const {
  return w.compute == w_.compute && w.tile == w_.tile && w.groups == w_.groups && w.ins == w_.ins &&
         w.sections == w_.sections && w.outs == w_.outs && w.turned == w_.turned && w.outs_at_once == w_.outs_at_once &&
         w.row_axis == w_.row_axis && w.lane_axis == w_.lane_axis;
}

void PreparedWinograd::run(const Problem& p, const WinogradPlan& w, const Arrays& arrays, const Run& run) const {
  if (!finite_) return run_by_sums(p, arrays, run);
  run_layer(p, with_prepared_taps(w), arrays, taps_, run);
}

}  // namespace convcorr
