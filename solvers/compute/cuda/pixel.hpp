#pragma once

#include "../lines/host_device.hpp"
#include "ptychoscale/base/box.hpp"

#include <cstddef>

namespace ptychoscale::cuda {

/// A pixel of a grid; may lie outside of it.
struct Pixel {
  int y;
  int x;
};

PTYCHOSCALE_HD bool inside(Pixel p, Extent e) { return p.y >= 0 && p.y < e.y && p.x >= 0 && p.x < e.x; }

/// Where the pixel is in memory, row-major.
PTYCHOSCALE_HD std::size_t at(Pixel p, Extent e) {
  return static_cast<std::size_t>(p.y) * static_cast<std::size_t>(e.x) + static_cast<std::size_t>(p.x);
}

/// The pixel of another grid under this one, where pixel (0, 0) has `origin` under it.
PTYCHOSCALE_HD Pixel moved(Pixel p, Offset origin) { return {p.y + origin.y, p.x + origin.x}; }

} // namespace ptychoscale::cuda
