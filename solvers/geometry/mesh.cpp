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

// Of equally square meshes the one with more rows, as in the paper's 3 x 2.
std::optional<Mesh> squarest(const TilingRequest& r, bool evenly) {
  constexpr double tie = 1e-9;
  std::optional<Mesh> best;
  for (int rows = std::min(r.ranks, r.scan.rows); rows >= 1; --rows) {
    const Mesh mesh{rows, r.ranks / rows};
    if (r.ranks % rows != 0 || mesh.columns > r.scan.columns) continue;
    if (evenly && !divides_evenly(mesh, r.scan)) continue;
    if (!best || elongation(r, mesh) < elongation(r, *best) * (1 - tie)) best = mesh;
  }
  return best;
}

int largest_rank_count(TilingRequest r) {
  while (r.ranks > 1 && !squarest(r, false)) --r.ranks;
  return r.ranks;
}
} // namespace

Mesh choose_mesh(const TilingRequest& request) {
  if (request.ranks < 1)
    throw InputError("ranks: " + std::to_string(request.ranks) + "; valid are 1 and more");
  if (const auto mesh = squarest(request, true)) return *mesh;
  if (const auto mesh = squarest(request, false)) return *mesh;
  auto fewer = request;
  fewer.ranks = std::min(request.ranks, request.scan.rows * request.scan.columns);
  throw InputError("ranks: " + std::to_string(request.ranks) + " cannot form a mesh over the " +
                   std::to_string(request.scan.rows) + " x " + std::to_string(request.scan.columns) +
                   " scan that leaves every rank a position; the nearest smaller number that can is " +
                   std::to_string(largest_rank_count(fewer)));
}

} // namespace ptychoscale
