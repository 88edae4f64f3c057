#include "tile_solver.hpp"

#include "ptychoscale/io/window_model.hpp"
#include "ptychoscale/multislice/optics.hpp"

#include <algorithm>
#include <iterator>

namespace ptychoscale {
namespace {

std::vector<int> merged(const std::vector<int>& own, const std::vector<int>& extra) {
  std::vector<int> all;
  std::merge(own.begin(), own.end(), extra.begin(), extra.end(), std::back_inserter(all));
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

TileSolver::TileSolver(Backend& backend, const DatasetReader& dataset, const ReconstructionOptions& options,
                       const Tile& tile)
    : backend_(backend), visited_(merged(tile.own, tile.extra)), origin_(tile.extended.origin()),
      extent_(tile.extended.extent()), slices_(dataset.header().slices),
      volume_(backend, static_cast<std::size_t>(slices_) * extent_.area(), MemoryLabel::volume),
      model_(backend, model_of(dataset.header(), options, tile), dataset.header().probe),
      measurements_(backend, dataset, visited_, options.stream_measurements) {
  for (const int i : visited_) {
    owned_.push_back(std::binary_search(tile.own.begin(), tile.own.end(), i));
    positions_A_.push_back(dataset.header().positions_A[static_cast<std::size_t>(i)]);
  }
}

double TileSolver::visit(int k, Volume gradient, double step) {
  const float* amplitudes = measurements_.at(k, timer_);
  return model_.loss_and_gradient(volume(), gradient, origin_,
                                  {&positions_A_[static_cast<std::size_t>(k)], 1}, amplitudes,
                                  static_cast<float>(step));
}

double TileSolver::vacuum_loss(int k) { return model_.vacuum_loss(measurements_.at(k, timer_)); }

Buffer<float> TileSolver::make_accumulation_buffer() {
  return {backend_, volume_.size(), MemoryLabel::accumulation};
}

} // namespace ptychoscale
