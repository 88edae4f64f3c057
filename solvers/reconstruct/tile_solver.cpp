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
    : backend_(backend), visited_(visited(tile, options.positions_at_most)), origin_(tile.extended.origin()),
      extent_(tile.extended.extent()), slices_(acquisition.header.slices),
      volume_(backend, static_cast<std::size_t>(slices_) * extent_.area(), MemoryLabel::volume),
      model_(backend, model_of(acquisition.header, options, tile), plan.probe),
      measurements_(backend, acquisition, visited_, options.stream_measurements),
      timer_([&backend] { return backend.now(); }) {
  for (const int i : visited_) {
    owned_.push_back(std::binary_search(tile.own.begin(), tile.own.end(), i));
    positions_A_.push_back(acquisition.header.positions_A[static_cast<std::size_t>(i)]);
  }
}

double TileSolver::visit(int k, Volume gradient, double step) {
  const float* amplitudes = measurements_.at(k, timer_);
  const double start = backend_.now();
  const double loss =
      model_.loss_and_gradient(volume(), gradient, origin_, {&positions_A_[static_cast<std::size_t>(k)], 1},
                               amplitudes, static_cast<float>(step));
  seconds_of_visits_ += backend_.now() - start;
  return loss;
}

double TileSolver::vacuum_loss(int k) { return model_.vacuum_loss(measurements_.at(k, timer_)); }

Buffer<float> TileSolver::make_accumulation_buffer() {
  return {backend_, volume_.size(), MemoryLabel::accumulation};
}

} // namespace ptychoscale
