#pragma once

#include "ptychoscale/io/dataset.hpp"
#include "ptychoscale/reconstruct/reconstruct.hpp"

namespace ptychoscale {

/// The default step alpha in (V * angstrom)^2: alpha = 1 / (2 sigma^2 S m), half the largest stable step of
/// gradient descent.
///
/// 2 sigma^2 S m bounds the curvature of F along V: S slices add up coherently, and m is the brightest
/// illumination N |psi|^2 that is summed before a step is made, in vacuum, over all depths. Serial and HVE
/// step position by position: m = m_1, one probe's. GD adds the probes of all ranks between two exchanges: m
/// = max(m_1, m_all / rounds), with m_all the raster's sum, doubled for `as_printed`, which applies a rank's
/// own gradients twice.
[[nodiscard]] double default_step(const DatasetHeader& header, const ReconstructionOptions& options,
                                  int rounds);

} // namespace ptychoscale
