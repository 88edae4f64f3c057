#pragma once

#include "line_fft.hpp"
#include "team.hpp"

#include <span>

namespace ptychoscale::cpu {

/// The verbs of Backend along x: transforms of a few rows at a time, between which a slice's transmission is
/// applied without another trip through memory.

void transform_rows(Team& team, const LineFft& fft, Waves waves, Direction direction);
void transmit(Team& team, const LineFft& fft, Waves waves, Slice potential, std::span<const Offset> origins,
              float sigma);
void transmit_adjoint(Team& team, const LineFft& fft, Waves transmitted, Waves adjoint,
                      const SliceUpdate& update, std::span<const Offset> origins, float sigma, bool rewind);

} // namespace ptychoscale::cpu
