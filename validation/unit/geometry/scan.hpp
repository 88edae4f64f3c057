#pragma once

#include "ptychoscale/geometry/tiling.hpp"

#include <vector>

namespace ptychoscale::test {

/// A raster of equal steps (angstrom) centred in the volume, row-major.
inline std::vector<Position> centred_raster(const ScanShape& scan, PixelSize step, Extent volume,
                                            PixelSize pixel) {
  const double y0 = ((volume.y - 1) * pixel.y - (scan.rows - 1) * step.y) / 2;
  const double x0 = ((volume.x - 1) * pixel.x - (scan.columns - 1) * step.x) / 2;
  std::vector<Position> positions;
  for (int r = 0; r < scan.rows; ++r)
    for (int c = 0; c < scan.columns; ++c) positions.push_back({y0 + r * step.y, x0 + c * step.x});
  return positions;
}

} // namespace ptychoscale::test
