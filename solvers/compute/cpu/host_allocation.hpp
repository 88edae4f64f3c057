#pragma once

#include "ptychoscale/base/memory_meter.hpp"
#include "ptychoscale/compute/backend.hpp"

#include <cstddef>
#include <new>
#include <span>

namespace ptychoscale {

/// Memory of the host, not yet zeroed. Throws OutOfMemory with the `savings` that would do where the system
/// has none, or would only find out while it is being filled and end the process.
[[nodiscard]] void* allocate_on_host(std::size_t bytes, std::align_val_t alignment, MemoryLabel label,
                                     std::span<const MemorySaving> savings);

} // namespace ptychoscale
