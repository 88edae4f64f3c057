#pragma once

#include "ptychoscale/comm/exchange.hpp"

#include <memory>

namespace ptychoscale {

/// APPP: the four passes, every chunk of slices on its way by itself; Wang et al., SC22, Sec. V.
[[nodiscard]] Chunking plan_pipelined_passes(const ExchangeOptions& options, const Tiling& tiling,
                                             int slices);
[[nodiscard]] std::unique_ptr<GradientExchange> make_pipelined_passes(const Chunking& chunking,
                                                                      const Communicator& comm,
                                                                      Backend& backend, const Tiling& tiling,
                                                                      PhaseTimer& timer);

/// The direct exchange with the 8 neighbours; Wang et al., SC22, Sec. III.
[[nodiscard]] Chunking plan_neighbour_exchange(const ExchangeOptions& options, const Tiling& tiling,
                                               int slices);
[[nodiscard]] std::unique_ptr<GradientExchange>
make_neighbour_exchange(const Chunking& chunking, const Communicator& comm, Backend& backend,
                        const Tiling& tiling, PhaseTimer& timer);

} // namespace ptychoscale
