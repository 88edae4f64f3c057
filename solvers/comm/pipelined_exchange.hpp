#pragma once

#include "ptychoscale/comm/exchange.hpp"

#include <memory>

namespace ptychoscale {

/// APPP: the four passes, every chunk of slices on its way by itself; Wang et al., SC22, Sec. V.
[[nodiscard]] std::unique_ptr<GradientExchange> make_pipelined_passes(const ExchangeOptions& options,
                                                                      const Communicator& comm,
                                                                      Backend& backend, const Tiling& tiling,
                                                                      int slices, PhaseTimer& timer);

/// The direct exchange with the 8 neighbours; Wang et al., SC22, Sec. III.
[[nodiscard]] std::unique_ptr<GradientExchange>
make_neighbour_exchange(const ExchangeOptions& options, const Communicator& comm, Backend& backend,
                        const Tiling& tiling, int slices, PhaseTimer& timer);

} // namespace ptychoscale
