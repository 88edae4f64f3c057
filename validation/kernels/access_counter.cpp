#include "access_counter.hpp"

#include <cstdint>
#include <vector>

namespace ptychoscale::kernels {
namespace {

struct Range {
  std::uintptr_t begin;
  std::uintptr_t end;
};
std::vector<Range> watched;
std::size_t counted = 0;

void access(const void* address, std::size_t bytes) {
  const auto at = reinterpret_cast<std::uintptr_t>(address);
  for (const Range& range : watched)
    if (at >= range.begin && at < range.end) counted += bytes;
}

} // namespace

void watch_only(const void* begin, std::size_t bytes) {
  watched.clear();
  counted = 0;
  watch_too(begin, bytes);
}

void watch_too(const void* begin, std::size_t bytes) {
  const auto at = reinterpret_cast<std::uintptr_t>(begin);
  watched.push_back({at, at + bytes});
}

std::size_t counted_bytes() { return counted; }

} // namespace ptychoscale::kernels

// What GCC and Clang call; there is no other way to spell these names.
// NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp,readability-identifier-naming)
extern "C" {
void __tsan_init() {}
void __tsan_func_entry(void* /*caller*/) {}
void __tsan_func_exit() {}
void __tsan_vptr_update(void** /*at*/, void* /*value*/) {}
void __tsan_vptr_read(void** /*at*/) {}
#define PTYCHOSCALE_COUNTS(kind, bytes)                                                                      \
  void __tsan_##kind##bytes(void* p) { ptychoscale::kernels::access(p, bytes); }
#define PTYCHOSCALE_COUNTS_ALL(kind)                                                                         \
  PTYCHOSCALE_COUNTS(kind, 2)                                                                                \
  PTYCHOSCALE_COUNTS(kind, 4) PTYCHOSCALE_COUNTS(kind, 8) PTYCHOSCALE_COUNTS(kind, 16)
PTYCHOSCALE_COUNTS(read, 1)
PTYCHOSCALE_COUNTS(write, 1)
PTYCHOSCALE_COUNTS_ALL(read)
PTYCHOSCALE_COUNTS_ALL(write)
PTYCHOSCALE_COUNTS_ALL(unaligned_read)
PTYCHOSCALE_COUNTS_ALL(unaligned_write)
#undef PTYCHOSCALE_COUNTS_ALL
#undef PTYCHOSCALE_COUNTS
void __tsan_read_range(void* p, unsigned long bytes) { ptychoscale::kernels::access(p, bytes); }
void __tsan_write_range(void* p, unsigned long bytes) { ptychoscale::kernels::access(p, bytes); }
}
// NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp,readability-identifier-naming)
