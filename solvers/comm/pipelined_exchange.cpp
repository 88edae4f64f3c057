#include "pipelined_exchange.hpp"

#include "transfer_pipeline.hpp"

#include <algorithm>

namespace ptychoscale {
namespace {
class PipelinedExchange final : public GradientExchange {
public:
  PipelinedExchange(const ExchangeOptions& options, const Communicator& comm, Backend& backend,
                    const Tiling& tiling, int slices, PhaseTimer& timer, std::vector<PassStep> schedule,
                    int depth)
      : pipeline_(comm, backend, std::move(schedule), tiling.tiles[comm.rank()].extended.origin(), slices,
                  depth, options.buffer_bytes, timer) {}
  void start(Volume buffer) override { pipeline_.start(buffer); }
  void progress() override { pipeline_.progress(); }
  void finish() override { pipeline_.finish(); }
  [[nodiscard]] Traffic traffic() const override { return pipeline_.traffic(); }

private:
  TransferPipeline pipeline_;
};
} // namespace

std::unique_ptr<GradientExchange> make_pipelined_passes(const ExchangeOptions& options,
                                                        const Communicator& comm, Backend& backend,
                                                        const Tiling& tiling, int slices, PhaseTimer& timer) {
  // A chunk passes each rank on its way there and comes back; with as many chunks in flight no link lies
  // idle.
  const int hops = 2 * (tiling.mesh.rows - 1) + 2 * (tiling.mesh.columns - 1);
  return std::make_unique<PipelinedExchange>(options, comm, backend, tiling, slices, timer,
                                             pass_schedule(tiling, comm.rank()), std::max(2, hops));
}

std::unique_ptr<GradientExchange> make_neighbour_exchange(const ExchangeOptions& options,
                                                          const Communicator& comm, Backend& backend,
                                                          const Tiling& tiling, int slices,
                                                          PhaseTimer& timer) {
  const auto transfers = neighbour_transfers(tiling, comm.rank());
  // What is sent are the own values, so all sides are packed before the first is added to.
  std::vector<PassStep> schedule{{{}, Merge::add, transfers}, {transfers, Merge::add, {}}};
  constexpr int depth = 2; // one chunk is packed while another travels
  return std::make_unique<PipelinedExchange>(options, comm, backend, tiling, slices, timer,
                                             std::move(schedule), depth);
}

} // namespace ptychoscale
