#pragma once

#include "ptychoscale/comm/chunking.hpp"
#include "ptychoscale/geometry/exchange_plan.hpp"

#include <functional>
#include <vector>

namespace ptychoscale {

/// What one slice of a rank's schedule takes in packed messages, sent and received.
[[nodiscard]] PackedLoad load_of(const std::vector<PassStep>& schedule);

/// The largest of every rank's, each of the two figures by itself.
[[nodiscard]] PackedLoad busiest_load(const Tiling& tiling,
                                      const std::function<std::vector<PassStep>(int rank)>& schedule_of);

} // namespace ptychoscale
