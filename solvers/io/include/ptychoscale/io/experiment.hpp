#pragma once

#include "ptychoscale/io/dataset.hpp"

#include <optional>
#include <string>

namespace ptychoscale {

/// A field of an experiment that cannot be used.
struct Complaint {
  std::string field;
  double value = 0;
  std::string expected; ///< what would be valid, to follow "must be" or "expected"
};

/// The ranges that every experiment keeps, whether a case describes it or a dataset holds it; gives the first
/// field outside them. They are wide: what lies beyond is a unit taken for another, or a slip of a digit.
/// Looks at everything of a header but its positions, probe and texts.
[[nodiscard]] std::optional<Complaint> first_out_of_range(const DatasetHeader& header);

/// "position 14 (scan row 3, column 2)"; of a scattered scan "position 14".
[[nodiscard]] std::string place_of(const DatasetHeader& header, int position);

/// The scan's mean step along its rows and columns as the positions have it, angstrom, whichever way the scan
/// is turned; the nominal step along an axis of one line.
[[nodiscard]] PixelSize step_of_positions(const DatasetHeader& header);
/// Whether both of its components are within 10 % of the nominal steps: far above the drift and the jitter of
/// a scan, below the confusion of y and x, of pixels and angstrom, or of two scans.
[[nodiscard]] bool steps_agree(const DatasetHeader& header);

/// Radius of the circle that the probe illuminates, the wider of those at the specimen's two surfaces,
/// angstrom.
[[nodiscard]] double widest_circle_A(const DatasetHeader& header);
/// Median of the distances from every position in use to the nearest other one, angstrom.
[[nodiscard]] double typical_distance_A(const DatasetHeader& header);
/// Why a scattered scan cannot be right: it is of other units than its step, or no two circles overlap.
[[nodiscard]] std::optional<std::string> complaint_of_scattered(const DatasetHeader& header);

/// Overlap of the circles that neighbouring positions illuminate, 1 - step / diameter along the axis with the
/// wider steps (of a scattered scan, of the typical distance): 0 where they touch, negative where they are
/// apart.
[[nodiscard]] double circle_overlap(const DatasetHeader& header);
/// What to say when they do not overlap, without which positions do not constrain each other: one line.
[[nodiscard]] std::optional<std::string> complaint_of_overlap(const DatasetHeader& header);

} // namespace ptychoscale
