#include "blocking_passes.hpp"

#include "chunking.hpp"

#include <algorithm>
#include <array>

namespace ptychoscale {
namespace {
std::size_t largest_message(const std::vector<PassStep>& schedule) {
  std::size_t pixels = 0;
  for (const PassStep& step : schedule)
    for (const auto* transfers : {&step.receive, &step.send})
      for (const Transfer& t : *transfers) pixels = std::max(pixels, t.box.extent().area());
  return pixels;
}

// One message is held at a time: nothing is received before what was packed is gone.
Chunking chunk_for_busiest(const Communicator& comm, std::size_t own_pixels, int slices,
                           std::size_t buffer_bytes) {
  std::array<double, 1> pixels{double(own_pixels)};
  comm.max(pixels);
  const auto busiest = static_cast<std::size_t>(pixels[0]);
  return plan_chunks(slices, {busiest, busiest}, 1, buffer_bytes);
}

class BlockingPasses final : public GradientExchange {
public:
  BlockingPasses(const ExchangeOptions& options, const Communicator& comm, Backend& backend,
                 const Tiling& tiling, int slices, PhaseTimer& timer)
      : comm_(comm), backend_(backend), timer_(timer), origin_(tiling.tiles[comm.rank()].extended.origin()),
        schedule_(pass_schedule(tiling, comm.rank())),
        chunking_(chunk_for_busiest(comm, largest_message(schedule_), slices, options.buffer_bytes)),
        packed_(backend, largest_message(schedule_) * static_cast<std::size_t>(chunking_.slices_per_chunk),
                MemoryLabel::exchange) {}

  void start(Volume buffer) override { volume_ = buffer; }
  void progress() override {}
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
    comm_.receive(packed(from, slices), from.peer, 0);
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
    comm_.send(message, to.peer, 0);
  }
  ++traffic_.messages;
  traffic_.bytes += static_cast<std::int64_t>(message.size_bytes());
}
} // namespace

std::unique_ptr<GradientExchange> make_blocking_passes(const ExchangeOptions& options,
                                                       const Communicator& comm, Backend& backend,
                                                       const Tiling& tiling, int slices, PhaseTimer& timer) {
  return std::make_unique<BlockingPasses>(options, comm, backend, tiling, slices, timer);
}

} // namespace ptychoscale
