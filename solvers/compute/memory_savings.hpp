#pragma once

#include "ptychoscale/base/memory_meter.hpp"
#include "ptychoscale/compute/backend.hpp"

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace ptychoscale {

/// The ways among `savings` that give back more than the `missing` bytes, when `asked` bytes for `label` were
/// refused a process that holds what `meter` says.
[[nodiscard]] std::vector<std::string> ways_that_fit(std::span<const MemorySaving> savings, MemoryLabel label,
                                                     std::size_t asked, std::size_t missing,
                                                     const MemoryMeter::Reading& meter);

} // namespace ptychoscale
