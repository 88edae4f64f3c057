#pragma once

#include "ptychoscale/base/memory_meter.hpp"
#include "ptychoscale/geometry/tiling.hpp"
#include "ptychoscale/io/dataset.hpp"
#include "ptychoscale/reconstruct/reconstruct.hpp"

#include <optional>

namespace ptychoscale {

/// How near the volume under way is to the dataset's truth: what relative_rmse() and structural_similarity()
/// will say of the stitched reconstruction's potential, summed over slices.
///
/// The error is added up by the ranks over their own cores; the similarity, whose windows reach over borders,
/// is rank 0's, which is sent the cores' sums over slices.
class QualityOverTime {
public:
  /// Reads this rank's part of the truth, rank 0 all of it. Collective, since errors are agreed on.
  [[nodiscard]] QualityOverTime(const Communicator& comm, Backend& backend, const DatasetReader& dataset,
                                const Tiling& tiling);

  /// Of this rank's extended tile [slice][y][x]; the same on all ranks, nothing where the truth has no
  /// answer. Collective.
  [[nodiscard]] std::optional<Closeness> measure(const Buffer<float>& volume) const;

private:
  using Image = MeteredVector<float, MemoryLabel::other>; ///< [y][x]

  using Sums = MeteredVector<double, MemoryLabel::other>; ///< [y][x] over the core

  [[nodiscard]] Sums sum_of_slices(const Buffer<float>& volume) const;
  [[nodiscard]] std::optional<double> error_of(const Sums& mine) const;
  [[nodiscard]] double similarity_of(const Image& mine) const;
  [[nodiscard]] Image stitched(const Image& mine) const;

  const Communicator& comm_;
  Backend& backend_;
  Box region_;             ///< of the volume, where the scan has been
  std::vector<Box> cores_; ///< every rank's part of it
  Box core_;               ///< this rank's
  Box tile_;
  int slices_;
  Image truth_; ///< summed over slices, over the core
  Image whole_; ///< rank 0's, over the region; empty elsewhere
};

} // namespace ptychoscale
