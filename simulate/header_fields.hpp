#pragma once

#include "ptychoscale/simulate/parameters.hpp"

namespace ptychoscale {

/// What parameters and the dataset's header have in common, as they are: everything but positions, probe and
/// texts.
[[nodiscard]] DatasetHeader header_fields(const SimulationParameters& parameters);

} // namespace ptychoscale
