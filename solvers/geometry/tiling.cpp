#include "ptychoscale/geometry/tiling.hpp"

#include "layout.hpp"
#include "ptychoscale/base/error.hpp"

#include <algorithm>
#include <cmath>
#include <string>

namespace ptychoscale {
namespace {
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

Mesh mesh_of(const TilingRequest& r, const Layout& layout) {
  if (!r.mesh) return choose_mesh(r, layout);
  if (r.mesh->rows < 1 || r.mesh->columns < 1 || r.mesh->ranks() != r.ranks)
    throw InputError("mesh: " + text(*r.mesh) + " does not match the " + std::to_string(r.ranks) +
                     " ranks of this run; " + text(choose_mesh(r, layout)) + " would");
  if (layout.is_raster() && (r.mesh->rows > r.scan.rows || r.mesh->columns > r.scan.columns))
    throw InputError("mesh: " + text(*r.mesh) + " leaves ranks without positions; a scan of " +
                     std::to_string(r.scan.rows) + " x " + std::to_string(r.scan.columns) +
                     " positions allows at most that many mesh rows and columns");
  return *r.mesh;
}

/// Where cores lie along one axis.
using Borders = std::vector<int>;

int width(const Borders& borders, std::size_t part) { return borders[part + 1] - borders[part]; }

// The part whose core cannot fill the halo of the part beside it, or -1.
int too_narrow(const Borders& borders, int halo) {
  if (borders.size() == 2) return -1;
  for (std::size_t part = 0; part + 1 < borders.size(); ++part)
    if (width(borders, part) < halo) return static_cast<int>(part);
  return -1;
}

bool can_paste(const Division& d) {
  return too_narrow(d.row_borders, d.halo.y) < 0 && too_narrow(d.column_borders, d.halo.x) < 0;
}

/// Of this many or fewer, on a mesh of our choice.
int most_ranks_that_can_paste(const TilingRequest& r, const Layout& layout) {
  int ranks = r.ranks;
  for (; ranks > 1; --ranks) {
    const auto mesh = find_mesh(r, layout, ranks);
    try {
      if (mesh && can_paste(layout.cut(*mesh))) break;
    } catch (const InputError&) { // a tile without pixels: not feasible either
    }
  }
  return ranks;
}

std::string way_to_paste(const TilingRequest& r, int ranks) {
  if (ranks == r.ranks) return "valid: another mesh";
  return "the nearest smaller number of ranks that works is " + std::to_string(ranks);
}

void check_can_paste(const TilingRequest& r, const Layout& layout, const Mesh& mesh, const Division& d) {
  if (can_paste(d)) return;
  const int row = too_narrow(d.row_borders, d.halo.y);
  const int column = row < 0 ? too_narrow(d.column_borders, d.halo.x) : 0;
  const int found = row < 0 ? width(d.column_borders, static_cast<std::size_t>(column))
                            : width(d.row_borders, static_cast<std::size_t>(row));
  const int halo = row < 0 ? d.halo.x : d.halo.y;
  const int rank = mesh.rank_at(row < 0 ? 0 : row, column);
  throw InputError("halo voxel exchange on a " + text(mesh) + " mesh: the core of tile " +
                   std::to_string(rank) + " is " + std::to_string(found) + " pixels " +
                   (row < 0 ? "wide" : "high") + " but must fill a halo of " + std::to_string(halo) +
                   " pixels; " + way_to_paste(r, most_ranks_that_can_paste(r, layout)));
}

/// The mesh of so many ranks, or of the next smaller number, that leaves none without positions.
std::string mesh_that_would(const TilingRequest& r, const Layout& layout) {
  for (int ranks = r.ranks; ranks > 1; --ranks)
    if (const auto mesh = find_mesh(r, layout, ranks))
      return text(*mesh) + " would not" + (ranks < r.ranks ? ", and is the nearest smaller one" : "");
  return "one rank would not";
}

void check_all_own_some(const TilingRequest& r, const Layout& layout, const Mesh& mesh, const Division& d) {
  const auto empty = std::ranges::find_if(d.own, [](const auto& own) { return own.empty(); });
  if (empty == d.own.end()) return;
  throw InputError("mesh: " + text(mesh) + " leaves tile " + std::to_string(empty - d.own.begin()) +
                   " without positions; " + mesh_that_would(r, layout));
}

Tile make_tile(const TilingRequest& r, const Mesh& mesh, Division& d, int rank) {
  const auto row = static_cast<std::size_t>(mesh.row_of(rank));
  const auto column = static_cast<std::size_t>(mesh.column_of(rank));
  Tile tile;
  tile.rank = rank;
  tile.core = {d.row_borders[row], d.row_borders[row + 1], d.column_borders[column],
               d.column_borders[column + 1]};
  tile.extended = grow_clipped(tile.core, d.halo.y, d.halo.x, {0, r.volume.y, 0, r.volume.x});
  tile.own = std::move(d.own[static_cast<std::size_t>(rank)]);
  tile.extra = std::move(d.extra[static_cast<std::size_t>(rank)]);
  return tile;
}

/// Every position that is not left out.
std::vector<int> used_positions(const TilingRequest& r) {
  std::vector<int> all;
  for (std::size_t i = 0; i < r.positions.size(); ++i)
    if (is_used(r, i)) all.push_back(static_cast<int>(i));
  return all;
}

/// Every rank has the whole volume, and of what is stitched a strip.
Tiling whole_on_every_rank(const TilingRequest& r) {
  const auto positions = used_positions(r);
  const int most = std::min(static_cast<int>(positions.size()), r.volume.y);
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
    for (auto i = static_cast<std::size_t>(rank); i < positions.size();
         i += static_cast<std::size_t>(r.ranks))
      tile.own.push_back(positions[i]);
    tiling.tiles.push_back(tile);
  }
  return tiling;
}
} // namespace

Tiling plan_tiling(const TilingRequest& request) {
  check_request(request);
  if (request.decomposition == Decomposition::none) return whole_on_every_rank(request);
  const auto layout = layout_of(request);
  const Mesh mesh = mesh_of(request, *layout);
  Division division = layout->cut(mesh);
  layout->deal(mesh, division);
  check_all_own_some(request, *layout, mesh, division);
  if (request.decomposition == Decomposition::halo_voxel) check_can_paste(request, *layout, mesh, division);

  Tiling tiling{mesh, request.volume, division.halo, {}};
  for (int rank = 0; rank < mesh.ranks(); ++rank)
    tiling.tiles.push_back(make_tile(request, mesh, division, rank));
  return tiling;
}

} // namespace ptychoscale
