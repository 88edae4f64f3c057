#include "axis_cut.hpp"
#include "layout.hpp"
#include "ptychoscale/base/error.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <utility>

namespace ptychoscale {
namespace {

/// The positions along one axis of the volume.
struct LocatedAxis {
  int pixels = 0; ///< of the volume
  double pixel_A = 0;
  double margin_A = 0;             ///< around a part, of positions that are repeated
  std::vector<double> at_A = {};   ///< of every position that is not left out
  std::vector<int> ascending = {}; ///< the pixels nearest to them

  [[nodiscard]] int nearest_pixel(double A) const {
    return static_cast<int>(std::clamp(std::floor(A / pixel_A + 0.5), 0.0, pixels - 1.0));
  }
};

int part_at(const std::vector<int>& borders, int pixel) {
  return static_cast<int>(std::ranges::upper_bound(borders, pixel) - borders.begin()) - 1;
}

/// The parts that the k-th position is in, or so near to that they repeat it.
Range parts_near(const LocatedAxis& axis, const std::vector<int>& borders, std::size_t k) {
  return {part_at(borders, axis.nearest_pixel(axis.at_A[k] - axis.margin_A)),
          part_at(borders, axis.nearest_pixel(axis.at_A[k] + axis.margin_A)) + 1};
}

/// Numbers of positions in front of every pixel where they can be parted.
std::vector<int> possible_cuts(const std::vector<int>& ascending) {
  std::vector<int> cuts;
  for (std::size_t k = 1; k < ascending.size(); ++k)
    if (ascending[k - 1] < ascending[k]) cuts.push_back(static_cast<int>(k));
  return cuts;
}

/// Borders between pixels, with as many positions between two of them as between others; empty where too few
/// pixels hold any. Each lies midway between the positions on either side.
std::vector<int> cut_by_count(const LocatedAxis& axis, int parts) {
  const auto cuts = possible_cuts(axis.ascending);
  std::vector<int> borders{0};
  auto from = cuts.begin();
  for (int part = 1; part < parts; ++part) {
    const int more = parts - 1 - part; // that are still to come
    if (cuts.end() - from < 1 + more) return {};
    const int wanted = round_part(static_cast<int>(axis.ascending.size()), part, parts).first;
    const auto nearest =
        std::ranges::min_element(from, cuts.end() - more, {}, [&](int k) { return std::abs(k - wanted); });
    const auto k = static_cast<std::size_t>(*nearest);
    borders.push_back((axis.ascending[k - 1] + axis.ascending[k] + 1) / 2);
    from = nearest + 1;
  }
  borders.push_back(axis.pixels);
  return borders;
}

/// Why there are no borders.
InputError too_few_pixels(const Mesh& mesh, const LocatedAxis& axis, bool y) {
  const auto most = possible_cuts(axis.ascending).size() + 1;
  return InputError("mesh: " + text(mesh) + " leaves a tile without positions, which lie on " +
                    std::to_string(most) + " pixels along " + (y ? "y" : "x") + "; valid: at most so many " +
                    (y ? "rows" : "columns"));
}

class LocatedLayout final : public Layout {
public:
  explicit LocatedLayout(const TilingRequest& r)
      : request_(r), y_{r.volume.y, r.pixel.y, extra_rows(r) * r.scan_step_A.y}, x_{r.volume.x, r.pixel.x,
                                                                                    extra_rows(r) *
                                                                                        r.scan_step_A.x} {
    for (std::size_t i = 0; i < r.positions.size(); ++i) {
      if (!is_used(r, i)) continue;
      positions_.push_back(static_cast<int>(i));
      add(y_, r.positions[i].y);
      add(x_, r.positions[i].x);
    }
    std::ranges::sort(y_.ascending);
    std::ranges::sort(x_.ascending);
  }

  [[nodiscard]] bool is_raster() const override { return false; }

  [[nodiscard]] Division cut(const Mesh& mesh) const override {
    Division d{.row_borders = cut_by_count(y_, mesh.rows), .column_borders = cut_by_count(x_, mesh.columns)};
    if (d.row_borders.empty() || d.column_borders.empty())
      throw too_few_pixels(mesh, d.row_borders.empty() ? y_ : x_, d.row_borders.empty());
    d.halo = {halo_along(y_, d.row_borders), halo_along(x_, d.column_borders)};
    return d;
  }

  void deal(const Mesh& mesh, Division& d) const override {
    d.own.resize(static_cast<std::size_t>(mesh.ranks()));
    d.extra.resize(d.own.size());
    for (std::size_t k = 0; k < positions_.size(); ++k) {
      const int owner = mesh.rank_at(part_at(d.row_borders, y_.nearest_pixel(y_.at_A[k])),
                                     part_at(d.column_borders, x_.nearest_pixel(x_.at_A[k])));
      const Range rows = parts_near(y_, d.row_borders, k);
      const Range columns = parts_near(x_, d.column_borders, k);
      for (int row = rows.first; row < rows.last; ++row)
        for (int column = columns.first; column < columns.last; ++column) {
          const int rank = mesh.rank_at(row, column);
          auto& list = rank == owner ? d.own : d.extra;
          list[static_cast<std::size_t>(rank)].push_back(positions_[k]);
        }
    }
  }

private:
  static void add(LocatedAxis& axis, double A) {
    axis.at_A.push_back(A);
    axis.ascending.push_back(axis.nearest_pixel(A));
  }

  /// Pixels that parts must be grown by to hold the circles of their positions, own and repeated.
  [[nodiscard]] int halo_along(const LocatedAxis& axis, const std::vector<int>& borders) const {
    if (borders.size() == 2) return 0;
    if (request_.halo_A) return halo_in_pixels(axis.pixels, axis.pixel_A, *request_.halo_A);
    int halo = 0;
    for (std::size_t k = 0; k < axis.at_A.size(); ++k) {
      const Range lit = lit_pixels(axis.at_A[k], axis.at_A[k], request_.circle_radius_A, axis.pixel_A);
      const Range near = parts_near(axis, borders, k);
      for (auto part = static_cast<std::size_t>(near.first); part < static_cast<std::size_t>(near.last);
           ++part)
        halo = std::max({halo, borders[part] - std::max(lit.first, 0),
                         std::min(lit.last, axis.pixels) - borders[part + 1]});
    }
    return halo;
  }

  const TilingRequest& request_;
  std::vector<int> positions_; ///< that are not left out
  LocatedAxis y_;
  LocatedAxis x_;
};

} // namespace

std::unique_ptr<Layout> located_layout(const TilingRequest& request) {
  return std::make_unique<LocatedLayout>(request);
}

std::unique_ptr<Layout> layout_of(const TilingRequest& request) {
  check_positions(request);
  if (auto raster = raster_layout(request)) return raster;
  return located_layout(request);
}

} // namespace ptychoscale
