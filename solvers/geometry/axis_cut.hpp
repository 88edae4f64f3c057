#pragma once

#include "ptychoscale/geometry/tiling.hpp"

#include <vector>

namespace ptychoscale {

/// The scan seen along one axis of the volume: a tiling is the product of two such axes.
struct ScanAxis {
  int pixels = 0; ///< of the volume
  double pixel_A = 0;
  std::vector<double> low;  ///< by scan line: smallest coordinate of its positions, angstrom
  std::vector<double> high; ///< largest
  std::vector<double> mean;
  [[nodiscard]] int lines() const { return static_cast<int>(mean.size()); }
};

/// Throws InputError unless the request has one position per scan point, all inside the volume.
void check_positions(const TilingRequest& request);

/// Scan rows along y. Throws InputError unless the request has one position per scan point, all inside the
/// volume.
[[nodiscard]] ScanAxis scan_rows(const TilingRequest& request);
/// Scan columns along x; same errors.
[[nodiscard]] ScanAxis scan_columns(const TilingRequest& request);

/// One axis cut into parts: part p owns pixels [borders[p], borders[p + 1]) and the scan lines `lines[p]`.
struct AxisCut {
  std::vector<int> borders;
  std::vector<Range> lines;
  [[nodiscard]] int parts() const { return static_cast<int>(lines.size()); }
  [[nodiscard]] int width(int part) const { return borders[part + 1] - borders[part]; }
};

/// Deals the lines as evenly as can be; borders lie midway between adjoining lines, rounded to pixels.
/// Throws InputError when the lines do not ascend by at least the pixel that every part needs.
[[nodiscard]] AxisCut cut_axis(const ScanAxis& axis, int parts);

/// Lines of one part and `extra` more on each side, clipped to the scan.
[[nodiscard]] Range with_extra(const Range& lines, int extra, int line_count);

/// Pixels that must be added on each side of every part so that it holds the circles of its own and `extra`
/// lines.
[[nodiscard]] int halo_of_circles(const ScanAxis& axis, const AxisCut& cut, double radius_A, int extra);

/// First and one past the last pixel that circles with centres from `low_A` to `high_A` touch.
[[nodiscard]] Range lit_pixels(double low_A, double high_A, double radius_A, double pixel_A);

/// `halo_A` rounded up to pixels, at most the whole axis.
[[nodiscard]] int halo_in_pixels(int pixels, double pixel_A, double halo_A);

} // namespace ptychoscale
