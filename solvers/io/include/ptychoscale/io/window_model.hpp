#pragma once

#include "ptychoscale/io/dataset.hpp"
#include "ptychoscale/multislice/multislice.hpp"

namespace ptychoscale {

/// The multislice model that a dataset describes: waves on the detector's window, no bandwidth limit,
/// `reverse` adjoint.
[[nodiscard]] MultisliceParameters window_model(const DatasetHeader& header);

} // namespace ptychoscale
