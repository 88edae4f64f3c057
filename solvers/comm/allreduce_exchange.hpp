#pragma once

#include "ptychoscale/comm/exchange.hpp"

#include <memory>

namespace ptychoscale {

/// One all-reduce over the whole volume, a few slices at a time: the alternative the paper names. Counts
/// every call as one message of the slices handed over.
[[nodiscard]] Chunking plan_allreduce_exchange(const ExchangeOptions& options, const Tiling& tiling,
                                               int slices);
[[nodiscard]] std::unique_ptr<GradientExchange>
make_allreduce_exchange(const Chunking& chunking, const Communicator& comm, Backend& backend,
                        const Tiling& tiling, PhaseTimer& timer);

} // namespace ptychoscale
