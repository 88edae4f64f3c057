#pragma once

#include "ptychoscale/base/box.hpp"

#include <optional>
#include <span>
#include <vector>

namespace ptychoscale {

/// Shape of a raster scan; positions are stored row-major, y slow.
struct ScanShape {
  int rows = 0;
  int columns = 0;
};

/// Ranks laid out over the specimen, row-major: rank = row * columns + column.
struct Mesh {
  int rows = 1;
  int columns = 1;
  [[nodiscard]] int ranks() const { return rows * columns; }
  [[nodiscard]] int rank_at(int row, int column) const { return row * columns + column; }
  [[nodiscard]] int row_of(int rank) const { return rank / columns; }
  [[nodiscard]] int column_of(int rank) const { return rank % columns; }
  bool operator==(const Mesh&) const = default;
};

/// One rank's part of the volume.
struct Tile {
  int rank = 0;
  Box core;               ///< its voxels in the stitched volume; cores partition the volume
  Box extended;           ///< core plus halo, clipped to the volume; what the rank holds in memory
  std::vector<int> own;   ///< probe positions dealt to this rank, ascending
  std::vector<int> extra; ///< neighbours' probe positions this rank repeats (HVE), ascending
};

/// The decomposition of one reconstruction, the same on every rank; plain data.
struct Tiling {
  Mesh mesh;
  Extent volume;
  Extent halo;             ///< pixels added on each side of a core
  std::vector<Tile> tiles; ///< by rank
};

enum class Decomposition {
  gradient,   ///< tiles of the volume with halos
  halo_voxel, ///< the same, with rows of the neighbours' positions
  none,       ///< every rank holds the whole volume; positions are dealt like cards
};

/// What a tiling is made from.
struct TilingRequest {
  Decomposition decomposition = Decomposition::gradient;
  Extent volume;   ///< pixels
  PixelSize pixel; ///< angstrom
  ScanShape scan;
  std::span<const Position> positions; ///< angstrom, row-major over `scan`
  double circle_radius_A = 0;          ///< radius of the illuminated circle on the specimen
  int ranks = 1;
  std::optional<Mesh> mesh;     ///< overrides the choice below
  std::optional<double> halo_A; ///< overrides what the rank's own (and extra) circles need
  int extra_rows = 1;           ///< HVE: rows of neighbours' positions repeated on each side
};

/// The mesh of `ranks` ranks with the squarest tiles (in angstrom) among those whose rows and columns divide
/// the scan evenly; if none divides, the squarest of all those with at least one scan row and column per
/// tile. Throws InputError when no mesh leaves every rank a position.
[[nodiscard]] Mesh choose_mesh(const TilingRequest& request);

/// Cuts the volume and deals the positions. Core borders lie midway between the last scan row (column) of one
/// tile and the first of the next; all tiles share one halo per axis. Throws InputError naming the tile, both
/// widths and the nearest rank count that works when an HVE core is narrower than the halo it fills, and for
/// meshes that do not match the ranks or leave a rank without positions.
[[nodiscard]] Tiling plan_tiling(const TilingRequest& request);

/// Part `round` of `rounds` of a list of `count` positions, [first, last): every rank cuts its own list into
/// the same number of parts, some possibly empty, so that all ranks exchange equally often.
struct Range {
  int first = 0;
  int last = 0;
};
[[nodiscard]] Range round_part(int count, int round, int rounds);

} // namespace ptychoscale
