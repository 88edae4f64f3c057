#pragma once

#include "ptychoscale/io/dataset.hpp"
#include "ptychoscale/record/provenance.hpp"

namespace ptychoscale {

/// What a simulation is made of: equal for a case and its dataset, and not for two datasets that must not be
/// compared.
[[nodiscard]] Json header_json(const DatasetHeader& header);

/// Adds how much a measured scan's masks hide; nothing where there are none.
void add_masks(Json& json, const DatasetHeader& header);

} // namespace ptychoscale
