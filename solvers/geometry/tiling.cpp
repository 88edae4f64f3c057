#include "ptychoscale/geometry/tiling.hpp"

#include "axis_cut.hpp"
#include "ptychoscale/base/error.hpp"

#include <algorithm>
#include <cmath>
#include <string>

namespace ptychoscale {
namespace {
// Both axes of a decomposition, before the tiles are written out.
struct Cuts {
  AxisCut rows;
  AxisCut columns;
  Extent halo;
};

std::string text(const Mesh& mesh) {
  return std::to_string(mesh.rows) + " x " + std::to_string(mesh.columns);
}

void check_request(const TilingRequest& r) {
  if (r.volume.y < 1 || r.volume.x < 1 || !(r.pixel.y > 0) || !(r.pixel.x > 0))
    throw InputError("volume: " + std::to_string(r.volume.y) + " x " + std::to_string(r.volume.x) +
                     " pixels of " + std::to_string(r.pixel.y) + " x " + std::to_string(r.pixel.x) +
                     " A; all must be positive");
  if (!(r.circle_radius_A >= 0) || !std::isfinite(r.circle_radius_A))
    throw InputError("circle radius: " + std::to_string(r.circle_radius_A) + " A; valid are 0 A and more");
  if (r.halo_A && (!(*r.halo_A >= 0) || !std::isfinite(*r.halo_A)))
    throw InputError("halo: " + std::to_string(*r.halo_A) + " A; valid are 0 A and more");
  if (r.extra_rows < 0)
    throw InputError("extra rows: " + std::to_string(r.extra_rows) + "; valid are 0 and more");
}

Mesh mesh_of(const TilingRequest& r) {
  if (!r.mesh) return choose_mesh(r);
  if (r.mesh->rows < 1 || r.mesh->columns < 1 || r.mesh->ranks() != r.ranks)
    throw InputError("mesh: " + text(*r.mesh) + " does not match the " + std::to_string(r.ranks) +
                     " ranks of this run; " + text(choose_mesh(r)) + " would");
  if (r.mesh->rows > r.scan.rows || r.mesh->columns > r.scan.columns)
    throw InputError("mesh: " + text(*r.mesh) + " leaves ranks without positions; a scan of " +
                     std::to_string(r.scan.rows) + " x " + std::to_string(r.scan.columns) +
                     " positions allows at most that many mesh rows and columns");
  return *r.mesh;
}

int extra_rows(const TilingRequest& r) {
  return r.decomposition == Decomposition::halo_voxel ? r.extra_rows : 0;
}

int halo_along(const TilingRequest& r, const ScanAxis& axis, const AxisCut& cut) {
  if (cut.parts() == 1) return 0;
  return r.halo_A ? halo_in_pixels(axis, *r.halo_A)
                  : halo_of_circles(axis, cut, r.circle_radius_A, extra_rows(r));
}

Cuts cut(const TilingRequest& r, const ScanAxis& y, const ScanAxis& x, const Mesh& mesh) {
  Cuts cuts{cut_axis(y, mesh.rows), cut_axis(x, mesh.columns), {}};
  cuts.halo = {halo_along(r, y, cuts.rows), halo_along(r, x, cuts.columns)};
  return cuts;
}

// The part whose core cannot fill the halo of the part beside it, or -1.
int too_narrow(const AxisCut& cut, int halo) {
  if (cut.parts() == 1) return -1;
  for (int p = 0; p < cut.parts(); ++p)
    if (cut.width(p) < halo) return p;
  return -1;
}

bool can_paste(const Cuts& cuts) {
  return too_narrow(cuts.rows, cuts.halo.y) < 0 && too_narrow(cuts.columns, cuts.halo.x) < 0;
}

/// Of this many or fewer, on a mesh of our choice.
int most_ranks_that_can_paste(TilingRequest r, const ScanAxis& y, const ScanAxis& x) {
  r.mesh.reset();
  for (; r.ranks > 1; --r.ranks) {
    try {
      if (can_paste(cut(r, y, x, choose_mesh(r)))) break;
    } catch (const InputError&) { // no mesh of so many ranks: not feasible either
    }
  }
  return r.ranks;
}

std::string way_to_paste(const TilingRequest& r, int ranks) {
  if (ranks == r.ranks) return "valid: another mesh";
  return "the nearest smaller number of ranks that works is " + std::to_string(ranks);
}

void check_can_paste(const TilingRequest& r, const ScanAxis& y, const ScanAxis& x, const Mesh& mesh,
                     const Cuts& cuts) {
  if (can_paste(cuts)) return;
  const int row = too_narrow(cuts.rows, cuts.halo.y);
  const int column = row < 0 ? too_narrow(cuts.columns, cuts.halo.x) : 0;
  const int width = row < 0 ? cuts.columns.width(column) : cuts.rows.width(row);
  const int halo = row < 0 ? cuts.halo.x : cuts.halo.y;
  const int rank = mesh.rank_at(row < 0 ? 0 : row, column);
  throw InputError("halo voxel exchange on a " + text(mesh) + " mesh: the core of tile " +
                   std::to_string(rank) + " is " + std::to_string(width) + " pixels " +
                   (row < 0 ? "wide" : "high") + " but must fill a halo of " + std::to_string(halo) +
                   " pixels; " + way_to_paste(r, most_ranks_that_can_paste(r, y, x)));
}

Tile make_tile(const TilingRequest& r, const Mesh& mesh, const Cuts& cuts, int rank) {
  const int row = mesh.row_of(rank);
  const int column = mesh.column_of(rank);
  Tile tile;
  tile.rank = rank;
  tile.core = {cuts.rows.borders[row], cuts.rows.borders[row + 1], cuts.columns.borders[column],
               cuts.columns.borders[column + 1]};
  tile.extended = grow_clipped(tile.core, cuts.halo.y, cuts.halo.x, {0, r.volume.y, 0, r.volume.x});
  const Range own_y = cuts.rows.lines[row];
  const Range own_x = cuts.columns.lines[column];
  const Range all_y = with_extra(own_y, extra_rows(r), r.scan.rows);
  const Range all_x = with_extra(own_x, extra_rows(r), r.scan.columns);
  for (int y = all_y.first; y < all_y.last; ++y)
    for (int x = all_x.first; x < all_x.last; ++x) {
      const bool own = y >= own_y.first && y < own_y.last && x >= own_x.first && x < own_x.last;
      (own ? tile.own : tile.extra).push_back(y * r.scan.columns + x);
    }
  return tile;
}
/// Every rank has the whole volume, and of what is stitched a strip.
Tiling whole_on_every_rank(const TilingRequest& r) {
  const int positions = static_cast<int>(r.positions.size());
  const int most = std::min(positions, r.volume.y);
  if (r.ranks > most)
    throw InputError("replicated volume: " + std::to_string(r.ranks) + " ranks; valid: at most " +
                     std::to_string(most) + ", so that each has a position and a row of pixels to stitch");
  if (r.mesh && *r.mesh != Mesh{r.ranks, 1})
    throw InputError("mesh: " + text(*r.mesh) +
                     " is not possible where every rank holds the whole volume; leave it out");
  Tiling tiling{{r.ranks, 1}, r.volume, {}, {}};
  for (int rank = 0; rank < r.ranks; ++rank) {
    const auto rows = round_part(r.volume.y, rank, r.ranks);
    Tile tile{rank, {rows.first, rows.last, 0, r.volume.x}, {0, r.volume.y, 0, r.volume.x}, {}, {}};
    for (int i = rank; i < positions; i += r.ranks) tile.own.push_back(i);
    tiling.tiles.push_back(tile);
  }
  return tiling;
}
} // namespace

Tiling plan_tiling(const TilingRequest& request) {
  check_request(request);
  if (request.decomposition == Decomposition::none) return whole_on_every_rank(request);
  const ScanAxis y = scan_rows(request);
  const ScanAxis x = scan_columns(request);
  const Mesh mesh = mesh_of(request);
  const Cuts cuts = cut(request, y, x, mesh);
  if (request.decomposition == Decomposition::halo_voxel) check_can_paste(request, y, x, mesh, cuts);

  Tiling tiling{mesh, request.volume, cuts.halo, {}};
  for (int rank = 0; rank < mesh.ranks(); ++rank)
    tiling.tiles.push_back(make_tile(request, mesh, cuts, rank));
  return tiling;
}

} // namespace ptychoscale
