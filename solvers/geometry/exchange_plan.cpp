#include "ptychoscale/geometry/exchange_plan.hpp"

#include <algorithm>
#include <cstddef>

namespace ptychoscale {
namespace {
Box overlap(const Tiling& tiling, int a, int b) {
  return intersect(tiling.tiles[a].extended, tiling.tiles[b].extended);
}

// The transfer with the tile `down` rows below and `right` columns to the right; none past the mesh's edge or
// where the two do not overlap.
std::vector<Transfer> with_neighbour(const Tiling& tiling, int rank, int down, int right) {
  const int row = tiling.mesh.row_of(rank) + down;
  const int column = tiling.mesh.column_of(rank) + right;
  if (row < 0 || row >= tiling.mesh.rows || column < 0 || column >= tiling.mesh.columns) return {};
  const int peer = tiling.mesh.rank_at(row, column);
  const Box box = overlap(tiling, rank, peer);
  return box.empty() ? std::vector<Transfer>{} : std::vector<Transfer>{{peer, box}};
}
} // namespace

// Why this is the dense sum. Along one axis the extended boxes are intervals whose two ends both ascend over
// the mesh, so a voxel that tiles i < k hold is held by every tile between. Going forward, tile i therefore
// ends with the sum over all tiles up to i that hold the voxel; the last of them ends with the total, and
// going backward it hands that total, by replacement, to all the others. The boxes are products of such
// intervals, hence the vertical passes leave each tile with the sum over its mesh column and the horizontal
// ones add up the columns.
std::vector<PassStep> pass_schedule(const Tiling& tiling, int rank) {
  const auto above = with_neighbour(tiling, rank, -1, 0);
  const auto below = with_neighbour(tiling, rank, +1, 0);
  const auto left = with_neighbour(tiling, rank, 0, -1);
  const auto right = with_neighbour(tiling, rank, 0, +1);
  return {{above, Merge::add, below},
          {below, Merge::replace, above},
          {left, Merge::add, right},
          {right, Merge::replace, left}};
}

std::vector<Transfer> neighbour_transfers(const Tiling& tiling, int rank) {
  std::vector<Transfer> all;
  for (int down = -1; down <= 1; ++down)
    for (int right = -1; right <= 1; ++right) {
      if (down == 0 && right == 0) continue;
      const auto one = with_neighbour(tiling, rank, down, right);
      all.insert(all.end(), one.begin(), one.end());
    }
  return all;
}

PasteTransfers paste_transfers(const Tiling& tiling, int rank) {
  PasteTransfers transfers;
  const Tile& own = tiling.tiles[rank];
  for (const Tile& other : tiling.tiles) {
    if (other.rank == rank) continue;
    if (const Box box = intersect(own.core, other.extended); !box.empty())
      transfers.send.push_back({other.rank, box});
    if (const Box box = intersect(other.core, own.extended); !box.empty())
      transfers.receive.push_back({other.rank, box});
  }
  return transfers;
}

std::vector<float> overlap_multiplicity(const Tiling& tiling, int rank) {
  const Box& own = tiling.tiles[rank].extended;
  const Extent extent = own.extent();
  std::vector<float> covering(extent.area(), 0.0f);
  for (const Tile& other : tiling.tiles) {
    const Box box = relative_to(intersect(own, other.extended), own.origin());
    for (int y = box.y0; y < box.y1; ++y) {
      float* row = covering.data() + static_cast<std::size_t>(y) * static_cast<std::size_t>(extent.x);
      std::for_each(row + box.x0, row + box.x1, [](float& n) { n += 1; });
    }
  }
  return covering;
}

} // namespace ptychoscale
