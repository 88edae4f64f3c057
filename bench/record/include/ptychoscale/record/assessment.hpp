#pragma once

#include "ptychoscale/io/dataset.hpp"
#include "ptychoscale/quality/quality.hpp"
#include "ptychoscale/quality/seams.hpp"

#include <filesystem>
#include <optional>
#include <string>

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

/// How near a run came to the truth.
struct Assessment {
  ImageQuality quality;
  std::optional<SeamMetrics> seams; ///< empty where they could not be measured
  std::string not_computed;         ///< why something is missing; one line
};

/// The assessment of a run that has ended: what cannot be computed is missing with its reason, whatever goes
/// wrong, since the run's other results stand.
[[nodiscard]] Assessment assess_finished(const std::filesystem::path& reconstruction,
                                         const DatasetReader& dataset);

} // namespace ptychoscale
