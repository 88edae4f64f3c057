#include "probe_refinement.hpp"

#include "ptychoscale/comm/ordered_sum.hpp"

#include <algorithm>
#include <array>
#include <complex>
#include <limits>

namespace ptychoscale {
namespace {

/// The same numbers, as messages carry them.
template <class Waves> std::span<float> floats_of(Waves& waves) {
  return {reinterpret_cast<float*>(waves.data()), 2 * waves.size()};
}

/// Counted from 0, of an option that counts from 1 and says 0 for none.
int first_of(int option) { return option > 0 ? option - 1 : std::numeric_limits<int>::max(); }

} // namespace

ProbeRefinement::ProbeRefinement(TileSolver& tile, const Communicator& comm, const ReconstructionPlan& plan,
                                 const ReconstructionOptions& options)
    : tile_(tile), comm_(comm), plan_(plan), rounds_(sums_gradients(options.method) ? plan.rounds : 1),
      scale_from_(first_of(options.refine_scale)), all_from_(first_of(options.refine_probe)),
      gradient_(tile.backend(), tile.probe().size(), MemoryLabel::waves), message_(tile.probe().size()),
      other_(tile.probe().size()) {}

ProbeRefinement::Unknown ProbeRefinement::unknown_in(int iteration) const {
  if (iteration >= all_from_) return Unknown::all;
  return iteration >= scale_from_ ? Unknown::scale : Unknown::nothing;
}

void ProbeRefinement::begin(int iteration) {
  unknown_ = unknown_in(iteration);
  tile_.gather_probe_gradient(unknown_ == Unknown::nothing ? nullptr : gradient_.data());
}

void ProbeRefinement::step(int round) {
  if (unknown_ == Unknown::nothing) return;
  const PhaseScope scope(tile_.timer(), Phase::communication);
  gradient_.download(message_);
  unknown_ == Unknown::all ? step_all(round) : step_scale(round);
  gradient_.zero();
}

void ProbeRefinement::count(std::size_t bytes) {
  if (comm_.size() == 1) return;
  ++traffic_.messages;
  traffic_.bytes += static_cast<std::int64_t>(bytes);
}

void ProbeRefinement::step_all(int round) {
  {
    const PhaseScope blocked(tile_.timer(), Phase::wait);
    sum_on_first(comm_, floats_of(message_), floats_of(other_));
    if (comm_.leads()) step_on_first(round);
    comm_.broadcast(floats_of(message_), 0);
  }
  tile_.backend().to_device(tile_.probe().data(), message_.data(), tile_.probe().size_bytes());
  count(tile_.probe().size_bytes());
}

/// Every rank has the same probe, so that one number of each is enough: Re G^H P of its own positions.
void ProbeRefinement::step_scale(int round) {
  tile_.backend().to_host(other_.data(), tile_.probe().data(), tile_.probe().size_bytes());
  double along = 0, power = 0;
  for (std::size_t k = 0; k < message_.size(); ++k) {
    const std::complex<double> probe(other_[k]), gradient(message_[k]);
    along += (std::conj(gradient) * probe).real();
    power += std::norm(probe);
  }
  std::array<float, 1> number{static_cast<float>(along)}, other{};
  {
    const PhaseScope blocked(tile_.timer(), Phase::wait);
    sum_on_first(comm_, number, other);
    number[0] = static_cast<float>(1 - number[0] / (std::max(positions_in(round), 1) * power));
    comm_.broadcast(number, 0);
  }
  for (Complex& p : other_) p *= number[0];
  tile_.backend().to_device(tile_.probe().data(), other_.data(), tile_.probe().size_bytes());
  count(sizeof number);
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
