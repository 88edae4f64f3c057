#pragma once

#include "ptychoscale/base/box.hpp"
#include "ptychoscale/compute/backend.hpp"

#include <span>
#include <vector>

namespace ptychoscale {

/// The probe in real space, [mode][y][x], centred on pixel (ny / 2, nx / 2), of one given in reciprocal
/// space, zero frequency first; the transform is orthonormal, so that sum |probe|^2 stays 1.
[[nodiscard]] std::vector<Complex> probe_image(std::span<const Complex> probe, Extent extent);

} // namespace ptychoscale
