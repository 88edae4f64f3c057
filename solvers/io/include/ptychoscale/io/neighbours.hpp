#pragma once

#include "ptychoscale/base/box.hpp"

#include <span>
#include <vector>

namespace ptychoscale {

/// Distance from every position to the one nearest to it, angstrom; infinite where there is no other.
[[nodiscard]] std::vector<double> nearest_distances_A(std::span<const Position> positions);

} // namespace ptychoscale
