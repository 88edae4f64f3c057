#pragma once

#include "ptychoscale/io/dataset.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace ptychoscale {

/// What py4DSTEM's users must know of a dataset with unequal steps or pixels along y and x: its calibration
/// has room for one of each, and holds those along y. None when they are equal.
[[nodiscard]] std::optional<std::string> py4dstem_note(const DatasetHeader& header);

/// Whether a dataset has py4DSTEM's calibration, which ptychoscale itself does not need.
[[nodiscard]] bool has_readers_metadata(const std::filesystem::path& dataset);

/// What other programs read of a dataset beside what ptychoscale itself reads, and find otherwise than the
/// header has it: py4DSTEM's calibration and the axes of the datacube. One line for each; empty when all
/// agree.
[[nodiscard]] std::vector<std::string> wrong_readers_metadata(const std::filesystem::path& dataset,
                                                              const DatasetHeader& header);

} // namespace ptychoscale
