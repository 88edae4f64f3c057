#pragma once

#include "ptychoscale/io/dataset.hpp"

#include <cstddef>
#include <optional>
#include <string>

namespace ptychoscale {

/// @name What an experiment's masks hide
/// @{
[[nodiscard]] int pixels_without_weight(const DatasetHeader& header);
[[nodiscard]] int patterns_left_out(const DatasetHeader& header);
/// All others.
[[nodiscard]] std::size_t patterns_in_use(const DatasetHeader& header);
[[nodiscard]] inline bool is_used(const DatasetHeader& header, std::size_t position) {
  return header.patterns_used.empty() || header.patterns_used[position] != 0;
}
/// The part of the unscattered beam that falls on pixels with weight.
[[nodiscard]] double share_in_use(const DatasetHeader& header);
/// "12 of 16384 pixels have no weight, 3 of 516 patterns are left out"; nothing where nothing is hidden.
[[nodiscard]] std::optional<std::string> masks_in_words(const DatasetHeader& header);
/// @}

} // namespace ptychoscale
