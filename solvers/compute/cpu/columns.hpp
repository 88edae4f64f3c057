#pragma once

#include "line_fft.hpp"
#include "team.hpp"

namespace ptychoscale::cpu {

/// The verbs of Backend along y: transforms of a block of gathered columns at a time, between which the
/// propagator is applied without another trip through memory.

void transform_columns(Team& team, const LineFft& fft, Waves waves, Direction direction);
void propagate(Team& team, const LineFft& fft, Waves waves, const Propagator& propagator, Sense sense);

} // namespace ptychoscale::cpu
