#include "base/buffer.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <string>

#include "base/checked.h"
#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace convcorr {
namespace {

constexpr index_t huge_page = index_t(2) << 20;
constexpr index_t kept_bytes = index_t(128) << 20;  // a larger block is given back at once

std::atomic<unsigned> generation{0};  // raised by clear_scratch

char* allocate(index_t bytes) {
  const bool huge = bytes >= huge_page;
  const index_t alignment = huge ? huge_page : Scratch::line;
  const index_t rounded = checked_add(bytes, alignment - 1) / alignment * alignment;
  void* block = std::aligned_alloc(static_cast<std::size_t>(alignment), static_cast<std::size_t>(rounded));
  if (!block) throw MemoryError("cannot allocate " + std::to_string(bytes) + " bytes of scratch");
#if defined(__linux__)
  if (huge) madvise(block, static_cast<std::size_t>(rounded), MADV_HUGEPAGE);
#endif
  return static_cast<char*>(block);
}

struct ThreadBlock {
  char* data = nullptr;
  index_t size = 0;
  index_t taken = 0;  // by the Scratches alive
  unsigned born = 0;

  void release() {
    std::free(data);
    data = nullptr;
    size = 0;
  }
  ~ThreadBlock() { release(); }
};

thread_local ThreadBlock block;

void make_room(index_t bytes) {
  const unsigned now = generation.load(std::memory_order_relaxed);
  if (block.size >= bytes && block.born == now) return;
  block.release();
  const index_t size = bytes < huge_page ? Scratch::padded(bytes + bytes / 2) : bytes;
  block.data = allocate(size);
  block.size = size;
  block.born = now;
}

}  // namespace

index_t Scratch::padded(index_t bytes) { return checked_add(bytes, line - 1) / line * line; }

Scratch::Scratch(index_t bytes, index_t spare) {
  bytes = padded(bytes);
  if (block.taken == 0) make_room(checked_add(bytes, padded(spare)));
  own_ = block.size - block.taken < bytes;
  begin_ = own_ ? allocate(bytes) : block.data + block.taken;
  if (!own_) block.taken += bytes;
  next_ = begin_;
  end_ = begin_ + bytes;
}

Scratch::~Scratch() {
  if (own_) {
    std::free(begin_);
    return;
  }
  block.taken -= end_ - begin_;
  if (block.taken == 0 && block.size > kept_bytes) block.release();
}

void* Scratch::take_bytes(index_t bytes) {
  char* taken = next_;
  const index_t cost = padded(bytes);
  if (cost > end_ - next_) throw MemoryError("internal: scratch was sized too small");
  next_ += cost;
  return taken;
}

Block::Block(index_t bytes) : data_(allocate(std::max<index_t>(bytes, 1))) {}
Block::~Block() { std::free(data_); }

void clear_scratch() {
  generation.fetch_add(1, std::memory_order_relaxed);
  if (block.taken == 0) block.release();
}

}  // namespace convcorr
