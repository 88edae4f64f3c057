#include "probe_refinement.hpp"

#include "ptychoscale/comm/ordered_sum.hpp"

#include <algorithm>

namespace ptychoscale {
namespace {

/// The same numbers, as messages carry them.
template <class Waves> std::span<float> floats_of(Waves& waves) {
  return {reinterpret_cast<float*>(waves.data()), 2 * waves.size()};
}

} // namespace

ProbeRefinement::ProbeRefinement(TileSolver& tile, const Communicator& comm, const ReconstructionPlan& plan,
                                 const ReconstructionOptions& options)
    : tile_(tile), comm_(comm), plan_(plan), rounds_(sums_gradients(options.method) ? plan.rounds : 1),
      from_(options.refine_probe - 1), gradient_(tile.backend(), tile.probe().size(), MemoryLabel::waves),
      message_(tile.probe().size()), other_(tile.probe().size()) {}

void ProbeRefinement::begin(int iteration) {
  counts_ = iteration >= from_;
  tile_.gather_probe_gradient(counts_ ? gradient_.data() : nullptr);
}

void ProbeRefinement::step(int round) {
  if (!counts_) return;
  const PhaseScope scope(tile_.timer(), Phase::communication);
  gradient_.download(message_);
  {
    const PhaseScope blocked(tile_.timer(), Phase::wait);
    sum_on_first(comm_, floats_of(message_), floats_of(other_));
    if (comm_.leads()) step_on_first(round);
    comm_.broadcast(floats_of(message_), 0);
  }
  tile_.backend().to_device(tile_.probe().data(), message_.data(), tile_.probe().size_bytes());
  gradient_.zero();
  if (comm_.size() == 1) return;
  ++traffic_.messages;
  traffic_.bytes += static_cast<std::int64_t>(tile_.probe().size_bytes());
}

/// The whole gradient -> the next probe, which is then what all ranks have, whatever they compute on.
void ProbeRefinement::step_on_first(int round) {
  tile_.backend().to_host(other_.data(), tile_.probe().data(), tile_.probe().size_bytes());
  const float step = 1 / static_cast<float>(std::max(positions_in(round), 1));
  for (std::size_t k = 0; k < message_.size(); ++k)
    message_[k] = is_lit(k) ? other_[k] - step * message_[k] : Complex{};
}

/// Whether any mode has something at the k-th number's pixel.
bool ProbeRefinement::is_lit(std::size_t k) const {
  const auto& start = plan_.probe.values;
  const std::size_t pixels = plan_.probe.box.extent().area();
  for (k %= pixels; k < start.size(); k += pixels)
    if (start[k] != Complex{}) return true;
  return false;
}

/// Of all ranks.
int ProbeRefinement::positions_in(int round) const {
  int positions = 0;
  for (const auto& tile : plan_.tiling.tiles) {
    const auto part = round_part(static_cast<int>(tile.own.size()), round, rounds_);
    positions += part.last - part.first;
  }
  return positions;
}

} // namespace ptychoscale
