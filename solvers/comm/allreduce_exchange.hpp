#pragma once

#include "ptychoscale/comm/exchange.hpp"

#include <memory>

namespace ptychoscale {

/// One all-reduce over the whole volume, a few slices at a time: the alternative the paper names. Counts
/// every call as one message of the slices handed over.
[[nodiscard]] std::unique_ptr<GradientExchange>
make_allreduce_exchange(const ExchangeOptions& options, const Communicator& comm, Backend& backend,
                        const Tiling& tiling, int slices, PhaseTimer& timer);

} // namespace ptychoscale
