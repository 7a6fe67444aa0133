#include "execute/turn.h"

#include <algorithm>
#include <cstring>

#include "base/dtype.h"
#include "dispatch/registry.h"
#include "kernels/gemm_table.h"
#include "kernels/table.h"

namespace convcorr {
namespace {

// Fewer rows or columns than a square has: copies of what there is.
void turn_narrow(Compute compute, const char* rows, index_t row_length, index_t count, index_t n, char* to,
                 index_t to_row) {
  constexpr index_t most_square = 64 * 16;  // bytes of a square of registers
  const index_t size = itemsize(compute), lanes = kernels().taps->register_bytes / size;
  const auto turn = compute == Compute::f32 ? kernels().gemm->f32.turn : kernels().gemm->f64.turn;
  alignas(64) char square[most_square], turned[most_square];
  for (index_t r = 0; r < count; r += lanes) {
    const index_t height = std::min(lanes, count - r);
    for (index_t k = 0; k < n; k += lanes) {
      const index_t width = std::min(lanes, n - k);
      std::memset(square, 0, sizeof square);
      for (index_t i = 0; i < height; ++i) {
        std::memcpy(square + i * lanes * size, rows + ((r + i) * row_length + k) * size,
                    static_cast<std::size_t>(width * size));
      }
      turn(square, lanes, lanes, lanes, turned, lanes);
      for (index_t i = 0; i < width; ++i) {
        std::memcpy(to + ((k + i) * to_row + r) * size, turned + i * lanes * size,
                    static_cast<std::size_t>(height * size));
      }
    }
  }
}

}  // namespace

// Squares at the end of both ways begin before it: what they share is written twice.
void turn_matrix(Compute compute, const char* rows, index_t row_length, index_t count, index_t n, char* to,
                 index_t to_row) {
  const index_t size = itemsize(compute), lanes = kernels().taps->register_bytes / size;
  if (count < lanes || n < lanes) return turn_narrow(compute, rows, row_length, count, n, to, to_row);
  const auto turn = compute == Compute::f32 ? kernels().gemm->f32.turn : kernels().gemm->f64.turn;
  const index_t whole_rows = count / lanes * lanes, whole = n / lanes * lanes;
  const auto turn_at = [&](index_t r, index_t height, index_t k, index_t width) {
    turn(rows + (r * row_length + k) * size, row_length, height, width, to + (k * to_row + r) * size, to_row);
  };
  turn_at(0, whole_rows, 0, whole);
  if (whole < n) turn_at(0, whole_rows, n - lanes, lanes);
  if (whole_rows < count) turn_at(count - lanes, lanes, 0, whole);
  if (whole < n && whole_rows < count) turn_at(count - lanes, lanes, n - lanes, lanes);
}

}  // namespace convcorr
