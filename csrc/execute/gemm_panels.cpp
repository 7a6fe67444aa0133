#include "execute/gemm_panels.h"

#include <algorithm>
#include <cstring>

#include "base/border.h"
#include "base/checked.h"
#include "execute/load.h"
#include "problem/odometer.h"

namespace convcorr {

void find_runs(const GemmPlan& g, index_t set, index_t first, index_t n, std::vector<OutputRun>& runs) {
  runs.clear();
  const int last = g.axes - 1;
  Odometer at;
  for (int a = 0; a < g.batch_axes; ++a) at.add_axis(g.batch[a].size);
  for (int a = 0; a < g.axes; ++a) at.add_axis(g.axis[a].out);
  at.seek(set * g.positions + first);  // a set is a batch item, or all of them
  const index_t* const spatial = at.at + g.batch_axes;
  for (index_t column = 0; column < n;) {
    OutputRun run = {column, std::min(n - column, g.axis[last].out - spatial[last]), 0, 0, {}};
    for (int a = 0; a < g.batch_axes; ++a) {
      run.x += at.at[a] * g.batch[a].x_stride;
      run.y += at.at[a] * g.batch[a].y_stride;
    }
    for (int a = 0; a < g.axes; ++a) {
      run.first[a] = spatial[a];
      run.y += spatial[a] * g.axis[a].y_stride;
    }
    runs.push_back(run);
    column += run.n;
    at.at[g.batch_axes + last] += run.n - 1;
    at.next();
  }
}

// One run under one tap: x is where the last axis' sample 0 lies, in units.
void PanelPieces::add(const SpatialAxis& last, index_t position, index_t x, index_t unit, const OutputRun& run) {
  const index_t sample = last.x_stride / unit;
  for (index_t done = 0; done < run.n;) {
    const index_t at = position + done * last.stride, left = run.n - done;
    const BorderRun part = border_run(at, last.in, last.border);
    const index_t n = std::min(left, ceil_div(part.length, last.stride));
    if (part.index < 0) {
      pieces_.push_back({run.at + done, n, -1, 0});
    } else {
      pieces_.push_back({run.at + done, n, x + part.index * sample, part.step * last.stride * sample});
    }
    done += n;
  }
}

void PanelPieces::find(const Problem& p, const GemmPlan& g, const std::vector<OutputRun>& runs, index_t first,
                       index_t end) {
  const index_t unit = g.native_x ? itemsize(p.x_type) : 1;
  const int last = g.axes - 1;
  const index_t columns = runs.back().at + runs.back().n;
  pieces_.clear();
  first_piece_.clear();
  Odometer tap;
  for (int a = 0; a < g.axes; ++a) tap.add_axis(g.axis[a].kernel);
  tap.seek(first);
  for (index_t t = first; t < end; ++t, tap.next()) {
    first_piece_.push_back(static_cast<index_t>(pieces_.size()));
    for (const OutputRun& run : runs) {
      index_t x = run.x - g.x_low;
      bool inside = true;
      for (int a = 0; a < last && inside; ++a) {
        const SpatialAxis& s = g.axis[a];
        const index_t i = border_index(run.first[a] * s.stride + tap.at[a] * s.dilation + s.offset, s.in, s.border);
        inside = i >= 0;
        x += i * s.x_stride;
      }
      const SpatialAxis& lane = g.axis[last];
      if (!inside) {
        pieces_.push_back({run.at, run.n, -1, 0});
      } else {
        add(lane, run.first[last] * lane.stride + tap.at[last] * lane.dilation + lane.offset, x / unit, unit, run);
      }
    }
    if (columns % g.lanes != 0) pieces_.push_back({columns, g.lanes - columns % g.lanes, -1, 0});
  }
  first_piece_.push_back(static_cast<index_t>(pieces_.size()));
}

void PanelPieces::pack(const Problem& p, const GemmPlan& g, const char* x_end, const char* x, index_t channel,
                       index_t count, int vectors, void* panel) const {
  const index_t taps = static_cast<index_t>(first_piece_.size()) - 1, width = vectors * g.lanes;
  pack_rows(p, g,
            {pieces_.data(), first_piece_.data(), taps, count, g.channel.x_stride, x + channel * g.channel.x_stride,
             x_end, panel, width, width * taps});
}

void pack_rows(const Problem& p, const GemmPlan& g, PanelRows r) {
  if (g.native_x) {
    r.channel_stride /= itemsize(p.x_type);
    return g.functions().pack(r);
  }
  const index_t size = itemsize(g.compute);
  const char* x = static_cast<const char*>(r.x);
  for (index_t c = 0; c < r.channels; ++c, x += r.channel_stride) {
    auto* row = static_cast<char*>(r.panel) + c * r.panel_step * size;
    for (index_t t = 0; t < r.taps; ++t, row += r.width * size) {
      for (index_t i = r.first_piece[t]; i < r.first_piece[t + 1]; ++i) {
        const PanelPiece& piece = r.pieces[i];
        char* const to = row + piece.at * size;
        if (piece.from < 0) {
          std::memset(to, 0, static_cast<std::size_t>(piece.n * size));
        } else {
          load_elements(p.x_type, p.x_swapped, g.compute, x + piece.from, piece.step, piece.n, to);
        }
      }
    }
  }
}

}  // namespace convcorr
