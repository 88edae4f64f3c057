#pragma once

#include "team.hpp"

#include <span>

namespace ptychoscale::cpu {

/// The verbs of Backend at both ends of the specimen: the probe, windows of a tile, the detector.

void shift_probe(Team& team, Waves waves, const Aperture& probe, std::span<const Backend::Shift> pixels);
void gather_probe(Team& team, Waves waves, Complex* gradient, Box box,
                  std::span<const Backend::Shift> pixels);
void place(Team& team, Waves target, Waves source, Offset origin);
void amplitude_loss(Team& team, Waves waves, Amplitudes amplitudes, Waves adjoint, std::span<double> losses);
void intensity(Team& team, Waves waves, float* intensities);

} // namespace ptychoscale::cpu
