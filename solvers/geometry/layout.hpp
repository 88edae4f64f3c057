#pragma once

#include "ptychoscale/geometry/tiling.hpp"

#include <memory>
#include <string>
#include <vector>

namespace ptychoscale {

/// A volume cut along both axes, with one halo for all tiles, and the positions dealt to them.
struct Division {
  std::vector<int> row_borders = {};        ///< pixels, one more than the mesh has rows
  std::vector<int> column_borders = {};     ///< the same for columns
  Extent halo = {};                         ///< pixels added on each side of a core
  std::vector<std::vector<int>> own = {};   ///< by rank, ascending
  std::vector<std::vector<int>> extra = {}; ///< by rank, ascending (HVE)
};

/// How the positions of a scan lie, seen once and cut into any number of meshes.
class Layout {
public:
  virtual ~Layout() = default;
  /// Whether positions are dealt by scan rows and columns, so that a mesh can have no more than those.
  [[nodiscard]] virtual bool is_raster() const = 0;
  /// Borders and halo. Throws InputError when a tile would have no pixels.
  [[nodiscard]] virtual Division cut(const Mesh& mesh) const = 0;
  /// Fills `own` and `extra` of what cut() gave.
  virtual void deal(const Mesh& mesh, Division& division) const = 0;
};

/// Dealt by scan rows and columns where no row reaches into the next one along y and no column along x, as in
/// the paper; nothing where they do.
[[nodiscard]] std::unique_ptr<Layout> raster_layout(const TilingRequest& request);
/// Dealt by where positions lie: every mesh row has as many of them as the others, and every mesh column, as
/// far as borders between pixels allow it. HVE repeats what lies within `extra_rows` scan steps of a core.
[[nodiscard]] std::unique_ptr<Layout> located_layout(const TilingRequest& request);
/// The one that fits the request. Throws InputError unless it has one position per scan point, all inside the
/// volume. The request must outlive it.
[[nodiscard]] std::unique_ptr<Layout> layout_of(const TilingRequest& request);

/// choose_mesh() of a request whose layout is known.
[[nodiscard]] Mesh choose_mesh(const TilingRequest& request, const Layout& layout);
/// The mesh that it would choose; none where there is none.
[[nodiscard]] std::optional<Mesh> find_mesh(const TilingRequest& request, const Layout& layout, int ranks);

/// Whether a position is not left out.
[[nodiscard]] inline bool is_used(const TilingRequest& request, std::size_t position) {
  return request.used.empty() || request.used[position] != 0;
}

/// Scan rows (or steps) that are repeated on each side of a tile.
[[nodiscard]] inline int extra_rows(const TilingRequest& request) {
  return request.decomposition == Decomposition::halo_voxel ? request.extra_rows : 0;
}

/// "2 x 3".
[[nodiscard]] std::string text(const Mesh& mesh);

} // namespace ptychoscale
