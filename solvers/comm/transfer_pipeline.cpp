#include "transfer_pipeline.hpp"

#include "packed_load.hpp"

#include <algorithm>

namespace ptychoscale {
namespace {
std::size_t message_count(const std::vector<PassStep>& schedule) {
  std::size_t n = 0;
  for (const PassStep& step : schedule) n += step.receive.size() + step.send.size();
  return n;
}

} // namespace

TransferPipeline::TransferPipeline(const Communicator& comm, Backend& backend,
                                   const std::vector<PassStep>& schedule, Offset origin,
                                   const Chunking& chunking, PhaseTimer& timer)
    : backend_(backend), timer_(timer), lane_pixels_(load_of(schedule).pixels), chunking_(chunking),
      lanes_(static_cast<std::size_t>(chunking_.in_flight), Lane{chunking_.chunks(), 0, false}),
      buffer_(backend, lanes_.size() * static_cast<std::size_t>(chunking_.slices_per_chunk) * lane_pixels_,
              MemoryLabel::exchange),
      requests_(comm, static_cast<int>(lanes_.size() * message_count(schedule))) {
  for (const PassStep& step : schedule) add_step(step, origin);
}

void TransferPipeline::add_step(const PassStep& step, Offset origin) {
  const auto merging = step.merge == Merge::add ? Merging::add : Merging::replace;
  auto receive = add_messages(step.receive, origin);
  steps_.push_back({std::move(receive), merging, add_messages(step.send, origin)});
}

std::vector<int> TransferPipeline::add_messages(const std::vector<Transfer>& transfers, Offset origin) {
  std::vector<int> indices;
  for (const Transfer& t : transfers) {
    const std::size_t offset =
        messages_.empty() ? 0 : messages_.back().offset + messages_.back().box.extent().area();
    indices.push_back(static_cast<int>(messages_.size()));
    messages_.push_back({t.peer, relative_to(t.box, origin), offset});
  }
  return indices;
}

void TransferPipeline::start(Volume volume) {
  backend_.synchronize(); // what was queued before is computation
  const PhaseScope scope(timer_, Phase::communication);
  volume_ = volume;
  unfinished_chunks_ = chunking_.chunks();
  const int lanes = static_cast<int>(lanes_.size());
  for (int lane = 0; lane < lanes; ++lane)
    enter(lane, lane); // all receives first, so that no send finds none
  for (int lane = 0; lane < lanes; ++lane) advance(lane);
}

bool TransferPipeline::progress() {
  const PhaseScope scope(timer_, Phase::communication);
  auto completed = requests_.test(awaited());
  if (!completed.empty()) {
    const PhaseScope computing(timer_, Phase::compute);
    backend_.synchronize(); // merging would wait for the visit that is still under way
  }
  for (; !completed.empty(); completed = requests_.test(awaited()))
    advance_lanes_of(completed); // to where they stand still for others, which may have come, too
  if (unfinished_chunks_ > 0) return true;
  (void)requests_.test(); // moves sends on that are still under way
  return false;
}

void TransferPipeline::finish() {
  backend_.synchronize();
  const PhaseScope scope(timer_, Phase::communication);
  while (unfinished_chunks_ > 0) {
    std::vector<int> completed;
    {
      const PhaseScope blocked(timer_, Phase::wait);
      completed = requests_.wait(awaited());
    }
    advance_lanes_of(completed);
  }
}

/// Slots that lanes stand still for; of hundreds of messages posted, few are.
std::vector<int> TransferPipeline::awaited() const {
  std::vector<int> slots;
  for (int lane = 0; lane < static_cast<int>(lanes_.size()); ++lane) {
    if (!busy(lane)) continue;
    const Step& step = steps_[lanes_[lane].step];
    for (const int m : lanes_[lane].merged ? step.send : step.receive)
      if (requests_.pending(slot(lane, m))) slots.push_back(slot(lane, m));
  }
  return slots;
}

bool TransferPipeline::pending(int lane, const std::vector<int>& messages) const {
  return std::ranges::any_of(messages, [&](int m) { return requests_.pending(slot(lane, m)); });
}

float* TransferPipeline::packed(int lane, int message) const {
  const auto capacity = static_cast<std::size_t>(chunking_.slices_per_chunk);
  return buffer_.data() +
         capacity * (static_cast<std::size_t>(lane) * lane_pixels_ + messages_[message].offset);
}

std::size_t TransferPipeline::length(int lane, int message) const {
  const Range slices = chunking_.range(lanes_[lane].chunk);
  return static_cast<std::size_t>(slices.last - slices.first) * messages_[message].box.extent().area();
}

void TransferPipeline::enter(int lane, int chunk) {
  lanes_[lane] = {chunk, 0, false};
  if (!busy(lane)) return;
  for (const Step& step : steps_)
    for (const int m : step.receive)
      requests_.receive(slot(lane, m), packed(lane, m), length(lane, m), messages_[m].peer, lane);
}

void TransferPipeline::advance(int lane) {
  Lane& at = lanes_[lane];
  while (busy(lane)) {
    if (at.step == steps_.size()) {
      --unfinished_chunks_;
      enter(lane, at.chunk + chunking_.in_flight);
      continue;
    }
    const Step& step = steps_[at.step];
    if (pending(lane, step.receive)) return;
    if (!at.merged) merge(lane, step);
    at.merged = true;
    if (pending(lane, step.send)) return; // the chunk before is still leaving from these buffers
    send(lane, step);
    ++at.step;
    at.merged = false;
  }
}

void TransferPipeline::advance_lanes_of(const std::vector<int>& completed_slots) {
  for (const int s : completed_slots) advance(s / static_cast<int>(messages_.size()));
}

void TransferPipeline::merge(int lane, const Step& step) {
  if (step.receive.empty()) return;
  const Range slices = chunking_.range(lanes_[lane].chunk);
  for (const int m : step.receive)
    backend_.unpack(volume_, packed(lane, m), messages_[m].box, slices.first, slices.last, step.merging);
  backend_.synchronize(); // before the next chunk is received into these buffers
}

void TransferPipeline::send(int lane, const Step& step) {
  if (step.send.empty()) return;
  const Range slices = chunking_.range(lanes_[lane].chunk);
  for (const int m : step.send)
    backend_.pack(packed(lane, m), volume_, messages_[m].box, slices.first, slices.last);
  backend_.synchronize();
  for (const int m : step.send) {
    requests_.send(slot(lane, m), packed(lane, m), length(lane, m), messages_[m].peer, lane);
    ++traffic_.messages;
    traffic_.bytes += static_cast<std::int64_t>(length(lane, m) * sizeof(float));
  }
}

} // namespace ptychoscale
