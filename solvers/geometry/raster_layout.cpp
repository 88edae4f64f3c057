#include "axis_cut.hpp"
#include "layout.hpp"

#include <utility>

namespace ptychoscale {
namespace {

bool contains(const Range& lines, int line) { return line >= lines.first && line < lines.last; }

/// Whether every line ends before the next begins.
bool lines_are_apart(const ScanAxis& axis) {
  for (std::size_t line = 1; line < axis.low.size(); ++line)
    if (!(axis.high[line - 1] < axis.low[line])) return false;
  return true;
}

class RasterLayout final : public Layout {
public:
  RasterLayout(const TilingRequest& request, ScanAxis rows, ScanAxis columns)
      : request_(request), rows_(std::move(rows)), columns_(std::move(columns)) {}

  [[nodiscard]] bool is_raster() const override { return true; }

  [[nodiscard]] Division cut(const Mesh& mesh) const override {
    const AxisCut rows = cut_axis(rows_, mesh.rows);
    const AxisCut columns = cut_axis(columns_, mesh.columns);
    return {.row_borders = rows.borders,
            .column_borders = columns.borders,
            .halo = {halo_along(rows_, rows), halo_along(columns_, columns)}};
  }

  void deal(const Mesh& mesh, Division& d) const override {
    d.own.resize(static_cast<std::size_t>(mesh.ranks()));
    d.extra.resize(d.own.size());
    for (int rank = 0; rank < mesh.ranks(); ++rank)
      deal_lines(round_part(rows_.lines(), mesh.row_of(rank), mesh.rows),
                 round_part(columns_.lines(), mesh.column_of(rank), mesh.columns),
                 d.own[static_cast<std::size_t>(rank)], d.extra[static_cast<std::size_t>(rank)]);
  }

private:
  [[nodiscard]] int halo_along(const ScanAxis& axis, const AxisCut& cut) const {
    if (cut.parts() == 1) return 0;
    return request_.halo_A ? halo_in_pixels(axis.pixels, axis.pixel_A, *request_.halo_A)
                           : halo_of_circles(axis, cut, request_.circle_radius_A, extra_rows(request_));
  }

  void deal_lines(const Range& own_y, const Range& own_x, std::vector<int>& own,
                  std::vector<int>& extra) const {
    const Range all_y = with_extra(own_y, extra_rows(request_), request_.scan.rows);
    const Range all_x = with_extra(own_x, extra_rows(request_), request_.scan.columns);
    for (int y = all_y.first; y < all_y.last; ++y)
      for (int x = all_x.first; x < all_x.last; ++x) {
        const int position = y * request_.scan.columns + x;
        if (!is_used(request_, static_cast<std::size_t>(position))) continue;
        (contains(own_y, y) && contains(own_x, x) ? own : extra).push_back(position);
      }
  }

  const TilingRequest& request_;
  ScanAxis rows_;
  ScanAxis columns_;
};

} // namespace

std::unique_ptr<Layout> raster_layout(const TilingRequest& request) {
  if (request.scattered) return nullptr;
  ScanAxis rows = scan_rows(request);
  ScanAxis columns = scan_columns(request);
  if (!lines_are_apart(rows) || !lines_are_apart(columns)) return nullptr;
  return std::make_unique<RasterLayout>(request, std::move(rows), std::move(columns));
}

} // namespace ptychoscale
