#pragma once

#include "ptychoscale/io/dataset.hpp"
#include "ptychoscale/reconstruct/reconstruct.hpp"

namespace ptychoscale {

/// The default step alpha in (V * angstrom)^2; `plan` is the one for these options. For one process.
///
/// A probe position bends F along V by at most l = 2 sigma^2 S m at a voxel: S slices add up coherently, and
/// m is the probe's illumination N |psi|^2 there, in vacuum, at the depth where a raster of them is
/// brightest. A step after every position takes that position's part of an error to 1 - alpha l of itself, so
/// a solver that only makes such steps (serial, HVE) has alpha_1 = 1 / l_1, with the brightest pixel of one
/// probe: half of the largest stable step.
///
/// Between two exchanges GD makes the steps of several ranks from the same voxels, and then applies their
/// sum:
///
///   batch       no steps in between: sum over all positions of the round, alpha sum l <= 1, half of the
///   limit; once        a rank that shares a voxel has corrected its error by the part c_r = 1 - exp(-alpha e
///   l_r) by
///               itself, l_r being the sum over its positions of the round; all corrections add up, and what
///               remains of the error, 1 - sum c_r, must stay between -1 and 1;
///   as_printed  a rank's own correction comes once more on top: 1 - c_own - sum c_r.
///
/// e = 0.7 is how much of the bound l an error typically meets, and alpha is the largest, up to alpha_1, for
/// which no voxel of any round is corrected by more than 1.7 of its error, where 2 is the limit. Both numbers
/// come from searches for the largest stable steps (`ptychoscale tune`; results/README.md): with e the limit
/// 2 is met within the search's resolution for 2, 4, 9 and 16 tiles, 1 to all exchanges per iteration, both
/// rules.
[[nodiscard]] double default_step(const DatasetHeader& header, const ReconstructionOptions& options,
                                  const ReconstructionPlan& plan);

} // namespace ptychoscale
