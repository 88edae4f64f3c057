#include "blocking_passes.hpp"

#include "packed_load.hpp"

namespace ptychoscale {
namespace {
class BlockingPasses final : public GradientExchange {
public:
  BlockingPasses(const Chunking& chunking, const Communicator& comm, Backend& backend, const Tiling& tiling,
                 PhaseTimer& timer)
      : comm_(comm), backend_(backend), timer_(timer), origin_(tiling.tiles[comm.rank()].extended.origin()),
        schedule_(pass_schedule(tiling, comm.rank())), chunking_(chunking),
        packed_(backend,
                load_of(schedule_).largest_message * static_cast<std::size_t>(chunking_.slices_per_chunk),
                MemoryLabel::exchange) {}

  void start(Volume buffer) override { volume_ = buffer; }
  bool progress() override { return false; }
  void finish() override;
  [[nodiscard]] Traffic traffic() const override { return traffic_; }

private:
  [[nodiscard]] std::span<float> packed(const Transfer& t, const Range& slices) const {
    return {packed_.data(), t.box.extent().area() * static_cast<std::size_t>(slices.last - slices.first)};
  }
  void receive(const Transfer& from, Merging merging, const Range& slices);
  void send(const Transfer& to, const Range& slices);

  const Communicator& comm_;
  Backend& backend_;
  PhaseTimer& timer_;
  Offset origin_;
  std::vector<PassStep> schedule_;
  Chunking chunking_;
  Buffer<float> packed_;
  Volume volume_;
  Traffic traffic_;
};

// Within a pass messages run one way only, so blocking calls cannot form a cycle.
void BlockingPasses::finish() {
  backend_.synchronize(); // what was queued before is computation
  const PhaseScope scope(timer_, Phase::communication);
  for (const PassStep& step : schedule_) {
    const auto merging = step.merge == Merge::add ? Merging::add : Merging::replace;
    for (int chunk = 0; chunk < chunking_.chunks(); ++chunk) {
      const Range slices = chunking_.range(chunk);
      for (const Transfer& from : step.receive) receive(from, merging, slices);
      for (const Transfer& to : step.send) send(to, slices);
    }
    const PhaseScope blocked(timer_, Phase::wait);
    comm_.barrier();
  }
}

void BlockingPasses::receive(const Transfer& from, Merging merging, const Range& slices) {
  {
    const PhaseScope blocked(timer_, Phase::wait);
    comm_.receive(packed(from, slices), from.peer);
  }
  backend_.unpack(volume_, packed_.data(), relative_to(from.box, origin_), slices.first, slices.last,
                  merging);
  backend_.synchronize();
}

void BlockingPasses::send(const Transfer& to, const Range& slices) {
  backend_.pack(packed_.data(), volume_, relative_to(to.box, origin_), slices.first, slices.last);
  backend_.synchronize();
  const auto message = packed(to, slices);
  {
    const PhaseScope blocked(timer_, Phase::wait);
    comm_.send(message, to.peer);
  }
  ++traffic_.messages;
  traffic_.bytes += static_cast<std::int64_t>(message.size_bytes());
}
} // namespace

Chunking plan_blocking_passes(const ExchangeOptions& options, const Tiling& tiling, int slices) {
  const auto load = busiest_load(tiling, [&](int rank) { return pass_schedule(tiling, rank); });
  // One message is held at a time: nothing is received before what was packed is gone.
  return plan_chunks(slices, {load.largest_message, load.largest_message}, 1, options.buffer_bytes);
}

std::unique_ptr<GradientExchange> make_blocking_passes(const Chunking& chunking, const Communicator& comm,
                                                       Backend& backend, const Tiling& tiling,
                                                       PhaseTimer& timer) {
  return std::make_unique<BlockingPasses>(chunking, comm, backend, tiling, timer);
}

} // namespace ptychoscale
