#pragma once

#include "ptychoscale/base/memory_meter.hpp"
#include "ptychoscale/geometry/tiling.hpp"
#include "ptychoscale/io/dataset.hpp"
#include "ptychoscale/reconstruct/reconstruct.hpp"

#include <optional>
#include <span>
#include <vector>

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
  [[nodiscard]] std::vector<double> sum_of_slices(const Buffer<float>& volume, int y) const;
  void give(std::span<float> image, int y, std::span<const double> row) const;
  void take_from_others(std::span<float> image) const;
  [[nodiscard]] std::span<float> place_of(std::span<float> image, const Box& core, int y) const;
  [[nodiscard]] double similarity_of(std::span<const float> image) const;

  const Communicator& comm_;
  Backend& backend_;
  Box region_;             ///< of the volume, where the scan has been
  std::vector<Box> cores_; ///< every rank's part of it
  Box core_;               ///< this rank's
  Box tile_;
  int slices_;
  MeteredVector<float, MemoryLabel::other> truth_; ///< summed over slices, [y][x] over the core
  std::vector<float>
      whole_; ///< rank 0's, over the region; like its image no memory of the solver's, not metered
};

} // namespace ptychoscale
