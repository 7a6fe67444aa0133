#include "problem/upsampled.h"

#include <numeric>

#include "base/checked.h"

namespace convcorr {
namespace {

// Outputs n = residue + m s, whose taps t must make n + t dilation + offset a multiple of s: they lie s / gcd apart.
bool take_residue(SpatialAxis& a, bool flip, index_t residue, const char*& h, char*& y) {
  const index_t s = a.in_dilation, common = std::gcd(a.dilation, s), apart = s / common;
  if (residue >= a.out) return false;
  index_t first = 0;
  while (first < apart && (residue + first * a.dilation + a.offset) % s != 0) ++first;
  y += residue * a.y_stride;
  a.out = ceil_div(a.out - residue, s);
  a.y_stride *= s;
  a.in_dilation = 1;
  if (first >= apart || first >= a.kernel) {  // only zeros between: one tap over none of the samples
    a.kernel = 1;
    a.dilation = 1;
    a.offset = a.in;
    return true;
  }
  const index_t kernel = ceil_div(a.kernel - first, apart);
  a.offset = (residue + first * a.dilation + a.offset) / s;
  h += (flip ? a.kernel - 1 - first - (kernel - 1) * apart : first) * a.h_stride;
  a.kernel = kernel;
  a.h_stride *= apart;
  a.dilation = kernel > 1 ? a.dilation / common : 1;
  return true;
}

}  // namespace

index_t upsampled_phases(const Problem& p) {
  index_t phases = 1;
  for (int a = 0; a < p.spatial_count; ++a) {
    const SpatialAxis& s = p.spatial[a];
    if (s.in_dilation == 1) continue;
    if (s.stride != 1) return 0;
    phases = checked_mul(phases, s.in_dilation);
  }
  return phases;
}

bool take_upsampled_phase(Problem& p, Arrays& arrays, index_t phase) {
  for (int a = 0; a < p.spatial_count; ++a) {
    SpatialAxis& s = p.spatial[a];
    if (s.in_dilation == 1) continue;
    const index_t residue = phase % s.in_dilation;
    phase /= s.in_dilation;
    if (!take_residue(s, p.flip, residue, arrays.h, arrays.y)) return false;
  }
  return true;
}

}  // namespace convcorr
