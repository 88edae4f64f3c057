#pragma once

#include "ptychoscale/base/memory_meter.hpp"
#include "ptychoscale/compute/backend.hpp"

#include <cstddef>
#include <span>
#include <string>

namespace ptychoscale::cuda {

/// An allocation that failed, and what the driver says of the GPU; bytes.
struct RefusedMemory {
  MemoryLabel label = MemoryLabel::other;
  std::size_t asked = 0;
  std::size_t free = 0;
  std::size_t total = 0;
  MessageMemory messages = MessageMemory::host;
};

/// One line: what was asked for, what is free, this process's ledger by label, and the savings that give back
/// enough of it.
[[nodiscard]] std::string out_of_memory_text(const RefusedMemory& refused, const MemoryMeter::Reading& meter,
                                             std::span<const MemorySaving> savings);

/// The same for pinned host memory, which messages (see MessageMemory) and patterns on their way to the GPU
/// lie in.
[[nodiscard]] std::string out_of_pinned_memory_text(MemoryLabel label, std::size_t asked,
                                                    const MemoryMeter::Reading& meter);

} // namespace ptychoscale::cuda
