#include "axis_cut.hpp"

#include "ptychoscale/base/error.hpp"

#include <algorithm>
#include <cmath>
#include <string>

namespace ptychoscale {
namespace {
// Coordinates that are whole pixels but for rounding must not cost a pixel more.
constexpr double rounding_px = 1e-6;

void check_scan(const TilingRequest& r) {
  const auto expected = static_cast<std::size_t>(r.scan.rows) * static_cast<std::size_t>(r.scan.columns);
  if (r.scan.rows < 1 || r.scan.columns < 1 || r.positions.size() != expected)
    throw InputError("scan: " + std::to_string(r.scan.rows) + " x " + std::to_string(r.scan.columns) +
                     " points but " + std::to_string(r.positions.size()) +
                     " positions; there must be one position per point");
}

void check_inside(double coordinate_A, char axis_name, std::size_t position, int pixels, double pixel_A) {
  const double px = coordinate_A / pixel_A;
  if (px >= -0.5 && px <= pixels - 0.5) return;
  throw InputError("position " + std::to_string(position) + ": " + axis_name + " = " +
                   std::to_string(coordinate_A) + " A lies outside the volume; valid are 0 to " +
                   std::to_string((pixels - 1) * pixel_A) + " A");
}

ScanAxis make_axis(const TilingRequest& r, bool rows) {
  check_scan(r);
  ScanAxis axis;
  axis.pixels = rows ? r.volume.y : r.volume.x;
  axis.pixel_A = rows ? r.pixel.y : r.pixel.x;
  const auto lines = static_cast<std::size_t>(rows ? r.scan.rows : r.scan.columns);
  axis.low.assign(lines, HUGE_VAL);
  axis.high.assign(lines, -HUGE_VAL);
  axis.mean.assign(lines, 0.0);
  const auto columns = static_cast<std::size_t>(r.scan.columns);
  for (std::size_t i = 0; i < r.positions.size(); ++i) {
    const double at = rows ? r.positions[i].y : r.positions[i].x;
    check_inside(at, rows ? 'y' : 'x', i, axis.pixels, axis.pixel_A);
    const auto line = rows ? i / columns : i % columns;
    axis.low[line] = std::min(axis.low[line], at);
    axis.high[line] = std::max(axis.high[line], at);
    axis.mean[line] += at;
  }
  for (auto& m : axis.mean) m /= static_cast<double>(r.positions.size() / lines);
  return axis;
}

// The border between two pixels (k - 1 | k, at coordinate k - 1/2) that lies nearest to a point.
int nearest_border(double px) { return static_cast<int>(std::floor(px + 1.0)); }
} // namespace

void check_positions(const TilingRequest& r) {
  check_scan(r);
  for (std::size_t i = 0; i < r.positions.size(); ++i) {
    check_inside(r.positions[i].y, 'y', i, r.volume.y, r.pixel.y);
    check_inside(r.positions[i].x, 'x', i, r.volume.x, r.pixel.x);
  }
}

ScanAxis scan_rows(const TilingRequest& request) { return make_axis(request, true); }
ScanAxis scan_columns(const TilingRequest& request) { return make_axis(request, false); }

AxisCut cut_axis(const ScanAxis& axis, int parts) {
  AxisCut cut;
  cut.borders.push_back(0);
  for (int p = 0; p < parts; ++p) {
    const Range lines = round_part(axis.lines(), p, parts);
    const bool outermost = p + 1 == parts;
    const double last_A = axis.mean[lines.last - 1];
    const double next_A = outermost ? HUGE_VAL : axis.mean[lines.last];
    const int end = outermost ? axis.pixels : nearest_border((last_A + next_A) / 2 / axis.pixel_A);
    if (next_A <= last_A || end <= cut.borders.back())
      throw InputError(
          "positions: scan lines " + std::to_string(lines.first) + " to " + std::to_string(lines.last - 1) +
          " leave a tile without pixels; scan rows and columns must " + "ascend by about a pixel or more");
    cut.borders.push_back(end);
    cut.lines.push_back(lines);
  }
  return cut;
}

Range with_extra(const Range& lines, int extra, int line_count) {
  return {std::max(0, lines.first - extra), std::min(line_count, lines.last + extra)};
}

int halo_of_circles(const ScanAxis& axis, const AxisCut& cut, double radius_A, int extra) {
  int halo = 0;
  for (int p = 0; p < cut.parts(); ++p) {
    const Range lines = with_extra(cut.lines[p], extra, axis.lines());
    const double low_A = *std::min_element(axis.low.begin() + lines.first, axis.low.begin() + lines.last);
    const double high_A = *std::max_element(axis.high.begin() + lines.first, axis.high.begin() + lines.last);
    const Range lit = lit_pixels(low_A, high_A, radius_A, axis.pixel_A);
    halo = std::max({halo, cut.borders[p] - std::max(lit.first, 0),
                     std::min(lit.last, axis.pixels) - cut.borders[p + 1]});
  }
  return halo;
}

Range lit_pixels(double low_A, double high_A, double radius_A, double pixel_A) {
  // Pixel k covers [k - 1/2, k + 1/2).
  return {static_cast<int>(std::floor((low_A - radius_A) / pixel_A + 0.5 + rounding_px)),
          static_cast<int>(std::ceil((high_A + radius_A) / pixel_A + 0.5 - rounding_px))};
}

int halo_in_pixels(int pixels, double pixel_A, double halo_A) {
  return static_cast<int>(std::min(std::ceil(halo_A / pixel_A - rounding_px), double(pixels)));
}

} // namespace ptychoscale
