#pragma once

#include "ptychoscale/io/dataset.hpp"

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace ptychoscale {

/// What one pass over a pattern tells, in fractions of the beam that falls on the specimen.
struct PatternSum {
  double all = 0;
  double brightest = 0; ///< of one pixel
  Extent pixel;         ///< where it is, (ky, kx), zero frequency first
};
/// Of amplitudes [ky][kx] of one position, squared and summed.
[[nodiscard]] PatternSum sum_of_pattern(std::span<const float> amplitudes, Extent detector);

/// @name How bright a pattern may be, in beams
/// @{
inline constexpr double of_known_beam = 1.05; ///< whose current is known to 5 %
inline constexpr double of_rough_beam = 2;    ///< whose scale is an unknown of the reconstruction
/// @}

/// What a pattern of this experiment can be.
///
/// More electrons than were sent cannot arrive, but for what is not known of their number: `brightest_beams`.
/// Fewer can, since a detector misses what is scattered past its edge; half of the beam is far more than any
/// thin specimen scatters there. One pixel of the bright-field disc can be brighter than without a specimen,
/// where the disc's copies interfere: up to 2.2 times in the cases here; 20 times is a defect of the
/// detector. Where there is a dose, counts scatter about what is expected by its square root: six of those
/// are allowed everywhere, which chance exceeds once in a billion patterns. With 36 electrons or fewer an
/// empty pattern is one of those chances.
struct PatternLimits {
  double highest = 0;         ///< sum of a pattern
  double lowest = 0;          ///< sum of a pattern that is not empty
  double brightest_pixel = 0; ///< of a pattern
  bool none_is_empty = true;  ///< whether chance leaves no pattern without a count
};
[[nodiscard]] PatternLimits limits_of_patterns(const DatasetHeader& header,
                                               double brightest_beams = of_known_beam);

/// How many patterns are outside a limit, and the first of them.
struct Outliers {
  int patterns = 0;
  int first = -1;   ///< its position
  double value = 0; ///< what it has there: its sum, or its brightest pixel
  Extent pixel;     ///< zero frequency first; for pixels only
};

/// The patterns of a dataset, judged by their sums.
struct PatternFindings {
  int patterns = 0; ///< all that were looked at
  double least = 0; ///< smallest and largest sum
  double most = 0;
  Outliers too_bright;
  Outliers dead; ///< nothing at all in them
  Outliers dim;  ///< too little, but something
  Outliers hot;  ///< one pixel holds too much

  void add(int position, const PatternSum& sum, const PatternLimits& limits);
  /// Takes over what another rank found; the order of ranks does not matter.
  void add(const PatternFindings& other);
};

/// @name The same as plain numbers, to be gathered from ranks
/// @{
[[nodiscard]] std::vector<double> as_numbers(const PatternFindings& findings);
[[nodiscard]] PatternFindings findings_of_ranks(std::span<const double> numbers);
/// @}

/// Why the patterns cannot be used: one has more electrons than were sent, or none has any. One line.
[[nodiscard]] std::optional<std::string> unusable(const PatternFindings& findings,
                                                  const DatasetHeader& header,
                                                  double brightest_beams = of_known_beam);
/// @name What a user should know of patterns that can be used, one line each
/// @{
[[nodiscard]] std::optional<std::string> complaint_of_dead(const PatternFindings& findings,
                                                           const DatasetHeader& header);
[[nodiscard]] std::optional<std::string> complaint_of_dim(const PatternFindings& findings,
                                                          const DatasetHeader& header);
[[nodiscard]] std::optional<std::string> complaint_of_hot(const PatternFindings& findings,
                                                          const DatasetHeader& header);
/// @}

} // namespace ptychoscale
