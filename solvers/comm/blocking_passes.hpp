#pragma once

#include "ptychoscale/comm/exchange.hpp"

#include <memory>

namespace ptychoscale {

/// The four passes one after the other, each blocking and closed by a barrier: what APPP is compared with.
[[nodiscard]] Chunking plan_blocking_passes(const ExchangeOptions& options, const Tiling& tiling, int slices);
[[nodiscard]] std::unique_ptr<GradientExchange> make_blocking_passes(const Chunking& chunking,
                                                                     const Communicator& comm,
                                                                     Backend& backend, const Tiling& tiling,
                                                                     PhaseTimer& timer);

} // namespace ptychoscale
