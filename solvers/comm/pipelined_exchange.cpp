#include "pipelined_exchange.hpp"

#include "packed_load.hpp"
#include "transfer_pipeline.hpp"

#include <algorithm>

namespace ptychoscale {
namespace {
class PipelinedExchange final : public GradientExchange {
public:
  PipelinedExchange(const Chunking& chunking, const Communicator& comm, Backend& backend,
                    const Tiling& tiling, PhaseTimer& timer, const std::vector<PassStep>& schedule)
      : pipeline_(comm, backend, schedule, tiling.tiles[comm.rank()].extended.origin(), chunking, timer) {}
  void start(Volume buffer) override { pipeline_.start(buffer); }
  bool progress() override { return pipeline_.progress(); }
  void finish() override { pipeline_.finish(); }
  [[nodiscard]] Traffic traffic() const override { return pipeline_.traffic(); }

private:
  TransferPipeline pipeline_;
};

std::vector<PassStep> neighbour_schedule(const Tiling& tiling, int rank) {
  const auto transfers = neighbour_transfers(tiling, rank);
  // What is sent are the own values, so all sides are packed before the first is added to.
  return {{{}, Merge::add, transfers}, {transfers, Merge::add, {}}};
}
} // namespace

Chunking plan_pipelined_passes(const ExchangeOptions& options, const Tiling& tiling, int slices) {
  // A chunk passes each rank on its way there and comes back; with as many chunks in flight no link lies
  // idle.
  const int hops = 2 * (tiling.mesh.rows - 1) + 2 * (tiling.mesh.columns - 1);
  const auto load = busiest_load(tiling, [&](int rank) { return pass_schedule(tiling, rank); });
  return plan_chunks(slices, load, std::max(2, hops), options.buffer_bytes);
}

std::unique_ptr<GradientExchange> make_pipelined_passes(const Chunking& chunking, const Communicator& comm,
                                                        Backend& backend, const Tiling& tiling,
                                                        PhaseTimer& timer) {
  return std::make_unique<PipelinedExchange>(chunking, comm, backend, tiling, timer,
                                             pass_schedule(tiling, comm.rank()));
}

Chunking plan_neighbour_exchange(const ExchangeOptions& options, const Tiling& tiling, int slices) {
  constexpr int depth = 2; // one chunk is packed while another travels
  const auto load = busiest_load(tiling, [&](int rank) { return neighbour_schedule(tiling, rank); });
  return plan_chunks(slices, load, depth, options.buffer_bytes);
}

std::unique_ptr<GradientExchange> make_neighbour_exchange(const Chunking& chunking, const Communicator& comm,
                                                          Backend& backend, const Tiling& tiling,
                                                          PhaseTimer& timer) {
  return std::make_unique<PipelinedExchange>(chunking, comm, backend, tiling, timer,
                                             neighbour_schedule(tiling, comm.rank()));
}

} // namespace ptychoscale
