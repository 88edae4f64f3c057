#pragma once

#include "ptychoscale/comm/exchange.hpp"

#include <memory>

namespace ptychoscale {

/// The four passes one after the other, each blocking and closed by a barrier: what APPP is compared with.
[[nodiscard]] std::unique_ptr<GradientExchange> make_blocking_passes(const ExchangeOptions& options,
                                                                     const Communicator& comm,
                                                                     Backend& backend, const Tiling& tiling,
                                                                     int slices, PhaseTimer& timer);

} // namespace ptychoscale
