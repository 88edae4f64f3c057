#pragma once

#include "ptychoscale/base/memory_meter.hpp"
#include "ptychoscale/geometry/tiling.hpp"
#include "ptychoscale/io/dataset.hpp"
#include "ptychoscale/reconstruct/reconstruct.hpp"

#include <optional>
#include <string>

namespace ptychoscale {

/// The error of the volume under way against the dataset's truth: what relative_rmse() will say of the
/// stitched reconstruction's potential, summed over slices, added up by the ranks over their own cores.
class ErrorOverTime {
public:
  /// Reads this rank's part of the truth. Collective, since errors are agreed on.
  [[nodiscard]] ErrorOverTime(const Communicator& comm, Backend& backend, const DatasetReader& dataset,
                              const Tile& tile);

  /// Of this rank's extended tile [slice][y][x]; the same on all ranks, nothing where the truth has no
  /// answer. Collective.
  [[nodiscard]] std::optional<double> measure(const Buffer<float>& volume) const;

private:
  const Communicator& comm_;
  Backend& backend_;
  Box region_; ///< of the volume, where the scan has been
  Box core_;   ///< this rank's part of it
  Box tile_;
  int slices_;
  MeteredVector<float, MemoryLabel::other> truth_; ///< summed over slices, [y][x] over the core
};

} // namespace ptychoscale
