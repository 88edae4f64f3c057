#pragma once

#include "ptychoscale/base/box.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace ptychoscale {

/// Shape of a scan; positions are stored row-major, y slow. A scattered one may have any shape.
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
  bool scattered = false;                  ///< positions lie anywhere, whatever their place in `scan`
  PixelSize scan_step_A;                   ///< angstrom; scattered: typical distances between neighbours
  std::span<const Position> positions;     ///< angstrom, row-major over `scan`
  std::span<const std::uint8_t> used = {}; ///< by position: 0 is left out; empty: none is
  double circle_radius_A = 0;              ///< radius of the illuminated circle on the specimen
  int ranks = 1;
  std::optional<Mesh> mesh;     ///< overrides the choice below
  std::optional<double> halo_A; ///< overrides what the rank's own (and extra) circles need
  int extra_rows = 1;           ///< HVE: rows of neighbours' positions repeated on each side
};

/// The mesh of `ranks` ranks with the squarest tiles (in angstrom) among those whose rows and columns divide
/// the scan evenly; if none divides, the squarest of all those with at least one scan row and column per
/// tile. Where positions are dealt by where they lie, the squarest that leaves every rank some. Throws
/// InputError when no mesh does.
[[nodiscard]] Mesh choose_mesh(const TilingRequest& request);

/// Cuts the volume and deals the positions. A raster whose rows and columns do not reach into each other is
/// dealt by them, as evenly as can be, and core borders lie midway between the last scan row (column) of one
/// tile and the first of the next. Any other scan (rotated, scattered, a spiral) is dealt by where its
/// positions lie: each mesh row has as many as the others, each mesh column too, and tiles own what lies in
/// their core. All tiles share one halo per axis. Throws InputError naming the tile, both widths and the
/// nearest rank count that works when an HVE core is narrower than the halo it fills, and for meshes that do
/// not match the ranks or leave a rank without positions.
[[nodiscard]] Tiling plan_tiling(const TilingRequest& request);

/// Part `round` of `rounds` of a list of `count` positions, [first, last): every rank cuts its own list into
/// the same number of parts, some possibly empty, so that all ranks exchange equally often.
struct Range {
  int first = 0;
  int last = 0;
};
[[nodiscard]] Range round_part(int count, int round, int rounds);

} // namespace ptychoscale
