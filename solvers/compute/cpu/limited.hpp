#pragma once

#include "team.hpp"

#include <span>

namespace ptychoscale::cpu {

/// The verbs of Backend that only a bandwidth limit needs.

void transmission(Team& team, Waves t, Slice potential, std::span<const Offset> origins, float sigma);
void multiply(Team& team, Waves waves, Waves factor, Sense sense);
void phase_gradient(Team& team, Waves dt, const SliceUpdate& update, std::span<const Offset> origins,
                    float sigma);

} // namespace ptychoscale::cpu
