// Scratch memory: one block per thread that grows, is reused by the next call, and is given back on request.
#pragma once

#include <cstddef>

#include "base/types.h"

namespace convcorr {

// A bump allocator over the calling thread's block, for the life of the object; one made inside another takes what that
// one left. Alignment is a cache line; large blocks are aligned to 2 MB and advised to be huge pages. Throws
// MemoryError.
class Scratch {
 public:
  // `bytes` is all that will be taken: the sum of padded(n) over the takes. `spare` is room for Scratches made inside.
  explicit Scratch(index_t bytes, index_t spare = 0);
  ~Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  template <class T>
  T* take(index_t count) {
    return static_cast<T*>(take_bytes(count * static_cast<index_t>(sizeof(T))));
  }
  void* take_bytes(index_t bytes);

  static constexpr index_t line = 64;
  static index_t padded(index_t bytes);  // what a take of `bytes` costs

 private:
  char* begin_;
  char* next_;
  char* end_;
  bool own_ = false;  // a block apart, where the thread's had no room
};

// What outlives a call, as a plan's weights do; aligned and advised likewise.
class Block {
 public:
  explicit Block(index_t bytes);
  ~Block();
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;

  char* data() { return data_; }
  const char* data() const { return data_; }

 private:
  char* data_;
};

// Gives the calling thread's block back now, and every other thread's at its next call.
void clear_scratch();

}  // namespace convcorr
