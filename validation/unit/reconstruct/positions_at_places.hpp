#pragma once

#include "illumination.hpp"
#include "ptychoscale/multislice/optics.hpp"
#include "ptychoscale/reconstruct/reconstruct.hpp"

#include <utility>
#include <vector>

namespace ptychoscale::test {

/// A focused probe on a window of 32 x 32, brightest in its centre at every depth, at `positions`.
inline DatasetHeader header_at(std::vector<Position> positions) {
  DatasetHeader h;
  h.scan = {1, static_cast<int>(positions.size())};
  h.scan_step_A = {2, 2};
  h.positions_A = std::move(positions);
  h.detector = {32, 32};
  h.pixel = {0.25, 0.25};
  h.volume = {100, 100};
  h.slices = 3;
  h.slice_thickness_A = 1e-3;
  h.energy_eV = 200e3;
  h.semiangle_mrad = 25;
  h.probe = make_probe({.energy_eV = h.energy_eV, .semiangle_mrad = h.semiangle_mrad}, h.detector, h.pixel);
  return h;
}

inline Illumination light_of(const DatasetHeader& h) {
  return illumination_of(h, crop_to_aperture(h.probe, h.detector));
}

/// With these positions on each rank.
inline ReconstructionPlan plan_of(std::vector<std::vector<int>> own, int rounds = 1) {
  ReconstructionPlan plan;
  plan.rounds = rounds;
  for (auto& positions : own) {
    Tile tile;
    tile.rank = static_cast<int>(plan.tiling.tiles.size());
    tile.own = std::move(positions);
    plan.tiling.tiles.push_back(tile);
  }
  return plan;
}

} // namespace ptychoscale::test
