#include "host_allocation.hpp"

#include "memory_savings.hpp"
#include "ptychoscale/base/error.hpp"
#include "ptychoscale/base/host_memory.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace ptychoscale {
namespace {

/// Below this nobody asks what there is: it takes longer than the allocation.
constexpr std::size_t worth_asking = std::size_t{64} << 20;

[[noreturn]] void refuse(std::size_t bytes, MemoryLabel label, const HostMemory& memory,
                         std::span<const MemorySaving> savings) {
  const auto meter = memory_meter().read();
  const auto available = static_cast<std::size_t>(memory.available);
  auto ways = ways_that_fit(savings, label, bytes, bytes > available ? bytes - available : 0, meter);
  if (ways.empty()) ways.emplace_back("a machine with more memory");
  throw OutOfMemory(fmt::format("{}; what may fit: {}", out_of_memory_text(label, bytes, memory, meter),
                                fmt::join(ways, ", ")));
}

} // namespace

void* allocate_on_host(std::size_t bytes, std::align_val_t alignment, MemoryLabel label,
                       std::span<const MemorySaving> savings) {
  if (bytes >= worth_asking)
    if (const auto memory = host_memory(); bytes > static_cast<std::size_t>(memory.available))
      refuse(bytes, label, memory, savings);
  void* p = ::operator new(bytes, alignment, std::nothrow);
  if (p == nullptr) refuse(bytes, label, host_memory(), savings);
  return p;
}

} // namespace ptychoscale
