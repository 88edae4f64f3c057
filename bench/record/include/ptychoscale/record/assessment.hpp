#pragma once

#include "ptychoscale/io/dataset.hpp"
#include "ptychoscale/quality/quality.hpp"
#include "ptychoscale/quality/seams.hpp"

#include <filesystem>

namespace ptychoscale {

/// The box that the scan spans, first position to last: every pixel of it is lit by several circles.
[[nodiscard]] Box scanned_box(const DatasetHeader& header);

/// Quality of a reconstruction's potential, summed over slices, against the dataset's truth in the scanned
/// box.
[[nodiscard]] ImageQuality assess_quality(const std::filesystem::path& reconstruction,
                                          const DatasetReader& dataset);

/// Seams of a reconstruction at the tile borders of `borders_of` (the same file, or the run to which this one
/// is the control). Reads slice by slice.
[[nodiscard]] SeamMetrics assess_seams(const std::filesystem::path& reconstruction,
                                       const DatasetReader& dataset, const std::filesystem::path& borders_of);

} // namespace ptychoscale
