// The direct engine's way through a Problem.
//
// The axes of a Problem take four parts in it:
//
//   lane    runs along registers: unit stride in the lines that kernels read
//   row     outputs of neighbouring rows share lines (the innermost axis left that has taps), or none
//   planes  other axes with taps: each combination of their taps is one plane of (row x lane) taps
//   slices  one output position on all axes but lane and row: batch, groups, filters, and outputs along plane axes
//
// A line is a stretch of x along the lane axis, in the compute type, borders included. It is read in place where x
// already looks like that, else it is made in a ring of line buffers. Jobs are (slices x rows x strip of the lane).
#pragma once

#include "base/types.h"
#include "problem/problem.h"

namespace convcorr {

// A piece of a line: n elements from element `at` on, read from x[index], x[index + step], ... along the lane.
struct LinePiece {
  index_t at, index, step, n;
};

struct DirectPlan {
  Compute compute;
  bool in_place;       // lines away from the border are read where they lie
  bool out_in_place;   // sums are stored where they belong
  bool shares_planes;  // slices next to each other along the last plane axis find their lines made
  bool narrow;         // the 1-D kernel of half the register width
  bool one_row;        // nothing but lane taps, dense: the 1-D kernel serves
  bool ordered;        // sums in a fixed order, tap by tap: see execute/tap_list.h
  bool settled;        // sums in any order, but those in doubt again in a fixed one: see execute/settle.h
  double doubt;        // how far settled sums may be off

  SpatialAxis lane, row;
  index_t group = 1;  // elements of the lane that borders treat as one sample: the channels of a pixel
  int plane_axes = 0;
  SpatialAxis plane[max_spatial];
  int lane_from, row_from, plane_from[max_spatial];  // the Problem's spatial axis that each is; -1: none
  int channel_axes = 0;                              // summed; the first axes of the plane count
  OuterAxis channel[max_outer];
  int slice_axes = 0;  // batch, group, out_channel
  OuterAxis slice[max_outer];

  index_t planes = 1;           // combinations of channels and of taps on plane axes
  index_t taps = 1;             // planes * row.kernel * lane.kernel
  index_t slices = 1;           // outputs of the plane axes times the slice axes
  bool taps_per_slice = false;  // h strides along a slice axis

  int block_rows = 1;  // output rows that one kernel call makes
  index_t lane_span;   // positions between the first and the last lane tap
  index_t register_elements;

  // Jobs.
  index_t strip, strips;  // outputs along the lane, and how many strips
  index_t overlap =
      0;  // outputs more that a strip makes: its neighbour's first, and after the last strip the lane's last
  index_t rows_per_job, row_jobs;
  index_t slices_per_job, slice_jobs;
  index_t jobs = 1;

  // Line buffers, of the lane's outputs in one strip.
  index_t phases;          // sets of samples a stride apart that the taps read: tap c reads phase c % phases
  bool phase_per_tap;      // far taps: each reads a phase of its own, from its own position on
  index_t phase_elements;  // from one phase to the next
  index_t line_elements;   // of one line in the ring, padded
  index_t block_lines;     // per plane, under one block of rows
  index_t table_lines;     // per plane, pointed to at a time
  index_t ring_lines;      // per plane, kept
  index_t most_pieces;     // of a line
  index_t job_bytes;       // scratch of one job
  index_t taps_bytes;      // of the packed taps
  double seconds;          // predicted, on one thread
};

// Whether the 1-D kernel of half the register width sums so many taps. It sums in another order: whoever sums one row
// asks, so that the bits don't depend on the way.
bool prefers_narrow(Compute c, index_t taps);

// How far sums of so many taps may be off, whose absolute products add up to `bound`: the products' own roundings,
// those of the sums and of the fill, and what double in any order may be off beside them.
double doubt_of(DType sums, index_t taps, double bound);

// Why the direct engine can't take p; null where it can.
const char* refuse_direct(const Problem& p);

// What a real factor is multiplied as.
enum class Products : unsigned char {
  fewest,   // itself, with each part: the direct engine sees to it that Inf and NaN spread as in `complex`
  complex,  // a complex number, so that 0 times its infinite counterpart is NaN
};

// Where strips overlap, every line is made.
void make_direct_plan(const Problem& p, DirectPlan& plan, Products products = Products::fewest, index_t overlap = 0);

}  // namespace convcorr
