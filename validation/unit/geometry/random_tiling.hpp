#pragma once

#include "ptychoscale/geometry/tiling.hpp"

#include <random>
#include <vector>

namespace ptychoscale::test {

/// Bounds of a random tiling, in pixels.
struct RandomTiling {
  int least_core = 1;
  int most_core = 9;
  int least_halo = 0;
  int most_halo = 0;
};

/// Cores of random widths and one random halo per axis, which may reach past the direct neighbour; no
/// positions.
inline Tiling random_tiling(std::mt19937& random, Mesh mesh, const RandomTiling& bounds) {
  std::uniform_int_distribution core_width{bounds.least_core, bounds.most_core};
  std::uniform_int_distribution halo{bounds.least_halo, bounds.most_halo};
  const auto borders = [&](int parts) {
    std::vector<int> at{0};
    for (int p = 0; p < parts; ++p) at.push_back(at.back() + core_width(random));
    return at;
  };
  const auto y = borders(mesh.rows);
  const auto x = borders(mesh.columns);
  Tiling tiling;
  tiling.mesh = mesh;
  tiling.volume = {y.back(), x.back()};
  tiling.halo.y = halo(random);
  tiling.halo.x = halo(random);
  for (int rank = 0; rank < mesh.ranks(); ++rank) {
    Tile tile;
    tile.rank = rank;
    const int r = mesh.row_of(rank);
    const int c = mesh.column_of(rank);
    tile.core = {y[r], y[r + 1], x[c], x[c + 1]};
    tile.extended = grow_clipped(tile.core, tiling.halo.y, tiling.halo.x, {0, y.back(), 0, x.back()});
    tiling.tiles.push_back(tile);
  }
  return tiling;
}

} // namespace ptychoscale::test
