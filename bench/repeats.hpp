#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <utility>

namespace ptychoscale {

/// Repeated measurements of one quantity.
struct RepeatSummary {
  double median = 0;
  std::size_t middle = 0; ///< index of the measurement at, or just below, the median
  std::optional<std::pair<double, double>>
      interval; ///< 95 % confidence interval of the median; needs 6 measurements
};

/// The interval is between order statistics, so that it assumes nothing about the distribution: the
/// measurements below the median are binomial(n, 1/2).
[[nodiscard]] RepeatSummary summarise_repeats(std::span<const double> values);

} // namespace ptychoscale
