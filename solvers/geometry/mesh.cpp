#include "layout.hpp"
#include "ptychoscale/base/error.hpp"
#include "ptychoscale/geometry/tiling.hpp"

#include <algorithm>
#include <optional>
#include <string>

namespace ptychoscale {
namespace {
// Long side over short side of a tile, 1 for a square.
double elongation(const TilingRequest& r, const Mesh& mesh) {
  const double height_A = r.volume.y * r.pixel.y / mesh.rows;
  const double width_A = r.volume.x * r.pixel.x / mesh.columns;
  return std::max(height_A / width_A, width_A / height_A);
}

bool divides_evenly(const Mesh& mesh, const ScanShape& scan) {
  return scan.rows % mesh.rows == 0 && scan.columns % mesh.columns == 0;
}

// Whether a mesh leaves every rank a position. Lines of a raster all have some, unless they are left out.
bool all_own_some(const TilingRequest& r, const Layout& layout, const Mesh& mesh) {
  if (layout.is_raster()) {
    if (mesh.rows > r.scan.rows || mesh.columns > r.scan.columns) return false;
    if (r.used.empty()) return true;
  }
  try {
    auto division = layout.cut(mesh);
    layout.deal(mesh, division);
    return std::ranges::none_of(division.own, [](const auto& own) { return own.empty(); });
  } catch (const InputError&) {
    return false;
  }
}

// Of equally square meshes the one with more rows, as in the paper's 3 x 2.
std::optional<Mesh> squarest(const TilingRequest& r, const Layout& layout, int ranks, bool evenly) {
  constexpr double tie = 1e-9;
  std::optional<Mesh> best;
  for (int rows = ranks; rows >= 1; --rows) {
    const Mesh mesh{rows, ranks / rows};
    if (ranks % rows != 0 || (evenly && !divides_evenly(mesh, r.scan))) continue;
    if (best && elongation(r, mesh) >= elongation(r, *best) * (1 - tie)) continue;
    if (all_own_some(r, layout, mesh)) best = mesh;
  }
  return best;
}

int largest_rank_count(const TilingRequest& r, const Layout& layout) {
  int ranks = std::min(r.ranks, r.scan.rows * r.scan.columns);
  while (ranks > 1 && !squarest(r, layout, ranks, false)) --ranks;
  return ranks;
}
} // namespace

std::string text(const Mesh& mesh) {
  return std::to_string(mesh.rows) + " x " + std::to_string(mesh.columns);
}

std::optional<Mesh> find_mesh(const TilingRequest& request, const Layout& layout, int ranks) {
  if (layout.is_raster())
    if (const auto mesh = squarest(request, layout, ranks, true)) return mesh;
  return squarest(request, layout, ranks, false);
}

Mesh choose_mesh(const TilingRequest& request, const Layout& layout) {
  if (request.ranks < 1)
    throw InputError("ranks: " + std::to_string(request.ranks) + "; valid are 1 and more");
  if (const auto mesh = find_mesh(request, layout, request.ranks)) return *mesh;
  throw InputError("ranks: " + std::to_string(request.ranks) + " cannot form a mesh over the " +
                   text({request.scan.rows, request.scan.columns}) +
                   " scan that leaves every rank a position; the nearest smaller number that can is " +
                   std::to_string(largest_rank_count(request, layout)));
}

Mesh choose_mesh(const TilingRequest& request) { return choose_mesh(request, *layout_of(request)); }

} // namespace ptychoscale
