#pragma once

#include "illumination.hpp"

#include <vector>

namespace ptychoscale {

/// What those steps follow from: alike on all ranks.
struct StepScale {
  double step = 0;      ///< alpha of the run, (V * angstrom)^2
  double brightest = 0; ///< brightest_of_scan(), for `accelerated`
};

/// What a sum of gradients is multiplied with before the step is made, at each pixel of `box`, [y][x]; the
/// same on all ranks that hold the pixel. With step_size.hpp's c_r and m,
///
///   averaged     1 / sum c_r where that sum exceeds 1, in the round where it is largest, else 1: a voxel
///                whose ranks have each corrected its error gets the mean of what they did, one that a single
///                rank reaches what that rank did;
///   accelerated  m_max / m, at most 10: the diagonal of F's curvature, so that voxels that few probes reach
///                are not the last to converge. Between 1 / 0.4 and 1 / 0.02 the bound makes little
///                difference (results/README.md).
///
/// All ranks know all positions, so nothing is exchanged.
[[nodiscard]] std::vector<float> step_weights(const DatasetHeader& header,
                                              const ReconstructionOptions& options,
                                              const ReconstructionPlan& plan, const Illumination& light,
                                              const StepScale& scale, Box box);

} // namespace ptychoscale
