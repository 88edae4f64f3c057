#include "tile_solver.hpp"

#include "ptychoscale/io/window_model.hpp"
#include "ptychoscale/multislice/optics.hpp"

#include <algorithm>
#include <iterator>

namespace ptychoscale {
namespace {

/// Own and repeated positions in the dataset's order, or the first so many of them.
std::vector<int> visited(const Tile& tile, int at_most) {
  std::vector<int> all;
  std::ranges::merge(tile.own, tile.extra, std::back_inserter(all));
  if (at_most > 0 && all.size() > static_cast<std::size_t>(at_most)) all.resize(at_most);
  return all;
}

/// A range in pieces of at most so many.
std::vector<Range> pieces(Range all, int at_most) {
  std::vector<Range> cut;
  for (int first = all.first; first < all.last; first += at_most)
    cut.push_back({first, std::min(first + at_most, all.last)});
  return cut;
}

/// Every batch of an iteration, in visiting order.
std::vector<Range> all_batches(int positions, int rounds, int at_once) {
  std::vector<Range> all;
  for (int round = 0; round < rounds; ++round)
    std::ranges::copy(pieces(round_part(positions, round, rounds), at_once), std::back_inserter(all));
  return all;
}

/// Positions computed together: as asked, but no more than a round has, whose waves would never be used.
int at_once(int asked, int positions, int rounds) {
  const int fullest_round = (positions + rounds - 1) / rounds;
  return std::clamp(asked, 1, std::max(fullest_round, 1));
}

MultisliceParameters model_of(const DatasetHeader& h, const ReconstructionOptions& o, const Tile& tile) {
  MultisliceParameters p = window_model(h);
  p.grid = propagation_grid(h, o.grid, tile);
  p.grid_kind = o.grid;
  p.bandwidth = o.bandwidth;
  p.adjoint = o.adjoint;
  return p;
}

} // namespace

Extent propagation_grid(const DatasetHeader& h, GridKind kind, const Tile& tile) {
  return kind == GridKind::tile ? fast_extent(tile.extended.extent()) : h.detector;
}

TileSolver::TileSolver(Backend& backend, const Acquisition& acquisition, const ReconstructionPlan& plan,
                       const ReconstructionOptions& options, const Tile& tile)
    : backend_(backend), visited_(visited(tile, options.positions_at_most)),
      rounds_(sums_gradients(options.method) ? plan.rounds : 1),
      at_once_(at_once(options.positions_at_once, positions(), rounds_)), origin_(tile.extended.origin()),
      extent_(tile.extended.extent()), slices_(acquisition.header.slices),
      volume_(backend, static_cast<std::size_t>(slices_) * extent_.area(), MemoryLabel::volume),
      model_(backend, model_of(acquisition.header, options, tile), plan.probe, at_once_),
      measurements_(backend, acquisition, visited_, all_batches(positions(), rounds_, at_once_),
                    options.measurement_type, options.stream_measurements),
      timer_([&backend] { return backend.now(); }) {
  for (const int i : visited_) {
    owned_.push_back(std::binary_search(tile.own.begin(), tile.own.end(), i));
    positions_A_.push_back(acquisition.header.positions_A[static_cast<std::size_t>(i)]);
  }
}

std::vector<Range> TileSolver::batches(int round) const {
  return pieces(round_part(positions(), round, rounds_), at_once_);
}

double TileSolver::visit(Range batch, Volume gradient, double step) {
  const Amplitudes amplitudes = measurements_.at(batch.first, timer_);
  if (batch.first > 0 && !backend_.takes_time()) return 0; // the first visit has had what memory all have
  const std::span<const Position> at(positions_A_.begin() + batch.first, positions_A_.begin() + batch.last);
  // Positions that are not this rank's own are visited alone.
  Complex* const probe_gradient = owns(batch.first) ? probe_gradient_ : nullptr;
  const double start = backend_.now() - timer_.seconds(Phase::communication);
  const double loss = model_.loss_and_gradient(volume(), gradient, origin_, at, amplitudes,
                                               static_cast<float>(step), probe_gradient);
  seconds_of_visits_ += backend_.now() - timer_.seconds(Phase::communication) - start;
  return loss;
}

void visit_round(TileSolver& tile, SweepPlace& at, const SweepCalls& calls, Volume gradient, double step,
                 const std::function<void()>& after_batch) {
  const auto batches = tile.batches(at.round);
  for (; at.batch < static_cast<int>(batches.size()) && !calls.leaves(); ++at.batch) {
    const auto batch = batches[static_cast<std::size_t>(at.batch)];
    for (int k = batch.first; k < batch.last; ++k) calls.before_visit(k);
    at.loss += tile.visit(batch, gradient, step);
    after_batch();
  }
}

double TileSolver::vacuum_loss(int k) {
  const Amplitudes amplitudes = measurements_.at(k, timer_);
  return k > 0 && !backend_.takes_time() ? 0 : model_.vacuum_loss(amplitudes);
}

PatternFindings TileSolver::judge_patterns(const PatternLimits& limits) const {
  PatternFindings findings;
  for (int k = 0; k < positions(); ++k)
    if (const auto& sum = measurements_.sum(k); sum && owns(k))
      findings.add(visited_[static_cast<std::size_t>(k)], *sum, limits);
  return findings;
}

std::map<int, std::uint64_t> TileSolver::hashes_as_read(
    const std::function<std::optional<std::uint64_t>(int position)>& hash_as_read) const {
  std::map<int, std::uint64_t> hashes;
  for (int k = 0; k < positions(); ++k) {
    const int position = visited_[static_cast<std::size_t>(k)];
    if (const auto hash = owns(k) ? hash_as_read(position) : std::nullopt) hashes[position] = *hash;
  }
  return hashes;
}

Buffer<float> TileSolver::make_accumulation_buffer() {
  return {backend_, volume_.size(), MemoryLabel::accumulation};
}

} // namespace ptychoscale
