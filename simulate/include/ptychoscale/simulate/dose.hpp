#pragma once

#include "ptychoscale/io/dataset.hpp"

#include <span>

namespace ptychoscale {

/// Turns one position's intensities [ky][kx] (fractions of the incident beam) into counts in place: times the
/// electrons per pattern, then, when the header has a dose, Poisson-distributed around that. The noise
/// depends on (seed, position, pixel) only. Throws RunError when the size is not the detector's or an
/// intensity is negative or not finite.
void apply_dose(const DatasetHeader& header, int position, std::span<float> intensities);

} // namespace ptychoscale
