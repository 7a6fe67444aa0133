// Memory for benchmarks, and what stands in it.
#pragma once

#include "base/types.h"

namespace convcorr::bench {

// Loads and stores at the same place in their 4096-byte pages hinder each other: outputs begin half a page apart from
// inputs, on a cache line.
constexpr index_t middle_of_page = 2048;

// Bytes of zeros, resident. Large areas are aligned to 2 MB and advised to be huge pages, as NumPy does. The data
// begins `offset` bytes into a page; a cache line behind its end may be read.
class Area {
 public:
  explicit Area(index_t bytes, index_t offset = 0);
  ~Area();
  Area(const Area&) = delete;
  Area& operator=(const Area&) = delete;

  char* data() const { return data_; }

 private:
  char* block_;
  char* data_;
};

// n elements of a dtype. Floats lie in [0.5, 1.5): no denormals, no cancellation, no overflow.
void fill(DType t, char* data, index_t n);

DType dtype_of(Compute c);
const char* name_of(DType t);
inline const char* name_of(Compute c) { return name_of(dtype_of(c)); }

}  // namespace convcorr::bench
