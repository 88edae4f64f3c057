#include "allreduce_exchange.hpp"

namespace ptychoscale {
namespace {
class AllreduceExchange final : public GradientExchange {
public:
  AllreduceExchange(const Chunking& chunking, const Communicator& comm, Backend& backend,
                    const Tiling& tiling, PhaseTimer& timer)
      : comm_(comm), backend_(backend), timer_(timer), extent_(tiling.volume),
        extended_(tiling.tiles[comm.rank()].extended), chunking_(chunking),
        whole_(backend,
               comm.size() == 1 ? 0 : extent_.area() * static_cast<std::size_t>(chunking_.slices_per_chunk),
               MemoryLabel::exchange) {}

  void start(Volume buffer) override { volume_ = buffer; }
  bool progress() override { return false; }
  void finish() override {
    if (comm_.size() == 1) return;
    backend_.synchronize(); // what was queued before is computation
    const PhaseScope scope(timer_, Phase::communication);
    for (int chunk = 0; chunk < chunking_.chunks(); ++chunk) sum(chunking_.range(chunk));
  }
  [[nodiscard]] Traffic traffic() const override { return traffic_; }

private:
  // Slices of a tile are contiguous, so that they serve as the packed form of the whole extended box.
  void sum(const Range& slices) {
    const int n = slices.last - slices.first;
    const Volume whole{whole_.data(), n, extent_};
    float* own = volume_.slice(slices.first).data;
    backend_.zero(whole.data, whole.size() * sizeof(float));
    backend_.unpack(whole, own, extended_, 0, n, Merging::replace);
    backend_.synchronize();
    {
      const PhaseScope blocked(timer_, Phase::wait);
      comm_.sum(std::span(whole.data, whole.size()));
    }
    backend_.pack(own, whole, extended_, 0, n);
    backend_.synchronize();
    ++traffic_.messages;
    traffic_.bytes += static_cast<std::int64_t>(whole.size() * sizeof(float));
  }

  const Communicator& comm_;
  Backend& backend_;
  PhaseTimer& timer_;
  Extent extent_;
  Box extended_;
  Chunking chunking_;
  Buffer<float> whole_;
  Volume volume_;
  Traffic traffic_;
};
} // namespace

Chunking plan_allreduce_exchange(const ExchangeOptions& options, const Tiling& tiling, int slices) {
  const auto pixels = tiling.volume.area();
  return plan_chunks(slices, {pixels, pixels}, 1, options.buffer_bytes);
}

std::unique_ptr<GradientExchange> make_allreduce_exchange(const Chunking& chunking, const Communicator& comm,
                                                          Backend& backend, const Tiling& tiling,
                                                          PhaseTimer& timer) {
  return std::make_unique<AllreduceExchange>(chunking, comm, backend, tiling, timer);
}

} // namespace ptychoscale
