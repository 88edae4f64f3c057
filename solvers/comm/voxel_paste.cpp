#include "packed_load.hpp"
#include "ptychoscale/comm/exchange.hpp"
#include "transfer_pipeline.hpp"

namespace ptychoscale {
namespace {
// Cores are sent and halos replaced; no voxel is both, so the order of the two does not matter.
std::vector<PassStep> paste_schedule(const Tiling& tiling, int rank) {
  auto transfers = paste_transfers(tiling, rank);
  return {{{}, Merge::replace, std::move(transfers.send)},
          {std::move(transfers.receive), Merge::replace, {}}};
}

class PipelinedPaste final : public VoxelPaste {
public:
  PipelinedPaste(const Chunking& chunking, const Communicator& comm, Backend& backend, const Tiling& tiling,
                 PhaseTimer& timer)
      : pipeline_(comm, backend, paste_schedule(tiling, comm.rank()),
                  tiling.tiles[comm.rank()].extended.origin(), chunking, timer) {}
  void paste(Volume volume) override {
    pipeline_.start(volume);
    pipeline_.finish();
  }
  [[nodiscard]] Traffic traffic() const override { return pipeline_.traffic(); }

private:
  TransferPipeline pipeline_;
};
} // namespace

Chunking plan_voxel_paste(const ExchangeOptions& options, const Tiling& tiling, int slices) {
  constexpr int depth = 2; // one chunk is packed while another travels
  const auto load = busiest_load(tiling, [&](int rank) { return paste_schedule(tiling, rank); });
  return plan_chunks(slices, load, depth, options.buffer_bytes);
}

std::unique_ptr<VoxelPaste> make_voxel_paste(const Chunking& chunking, const Communicator& comm,
                                             Backend& backend, const Tiling& tiling, PhaseTimer& timer) {
  return std::make_unique<PipelinedPaste>(chunking, comm, backend, tiling, timer);
}

} // namespace ptychoscale
