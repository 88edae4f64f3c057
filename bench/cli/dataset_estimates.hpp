#pragma once

#include "dataset_check.hpp"
#include "ptychoscale/io/pattern_estimates.hpp"
#include "ptychoscale/io/shadow_images.hpp"

#include <span>
#include <vector>

namespace ptychoscale {

/// What patterns tell of themselves, to be held beside what the dataset says of them: what importers get
/// wrong.
class DatasetEstimates {
public:
  explicit DatasetEstimates(const DatasetHeader& header);
  /// Amplitudes [ky][kx] of a position that is in use.
  void add(int position, std::span<const float> amplitudes);
  /// Orientation, defocus, aperture, centre and dose, each as an estimate beside the header's.
  [[nodiscard]] std::vector<Check> checks() const;

private:
  const DatasetHeader& header_;
  std::vector<Deflection> deflections_;
  std::vector<double> mean_;
  ShadowImages shadows_;
};

} // namespace ptychoscale
