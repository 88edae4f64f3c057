#pragma once

#include <algorithm>
#include <cstddef>

namespace ptychoscale {

/// Size of a two-dimensional grid in pixels, row-major [y][x].
struct Extent {
  int y = 0;
  int x = 0;
  [[nodiscard]] std::size_t area() const { return static_cast<std::size_t>(y) * static_cast<std::size_t>(x); }
  bool operator==(const Extent&) const = default;
};

/// A pixel of a grid, or the offset between two grids, in pixels; may be negative.
struct Offset {
  int y = 0;
  int x = 0;
  bool operator==(const Offset&) const = default;
};

/// A half-open rectangle [y0, y1) x [x0, x1) of pixels of the volume.
struct Box {
  int y0 = 0;
  int y1 = 0;
  int x0 = 0;
  int x1 = 0;
  bool operator==(const Box&) const = default;
  [[nodiscard]] bool empty() const { return y1 <= y0 || x1 <= x0; }
  [[nodiscard]] Extent extent() const { return empty() ? Extent{} : Extent{y1 - y0, x1 - x0}; }
  [[nodiscard]] Offset origin() const { return {y0, x0}; }
  [[nodiscard]] bool contains(const Box& b) const {
    return b.empty() || (b.y0 >= y0 && b.y1 <= y1 && b.x0 >= x0 && b.x1 <= x1);
  }
};

[[nodiscard]] inline Box intersect(const Box& a, const Box& b) {
  const Box c{std::max(a.y0, b.y0), std::min(a.y1, b.y1), std::max(a.x0, b.x0), std::min(a.x1, b.x1)};
  return c.empty() ? Box{} : c;
}

/// The same rectangle seen from a grid whose pixel (0, 0) lies at `origin`.
[[nodiscard]] inline Box relative_to(const Box& b, Offset origin) {
  return {b.y0 - origin.y, b.y1 - origin.y, b.x0 - origin.x, b.x1 - origin.x};
}

/// `b` grown by `y` and `x` pixels on every side, clipped to `limits`.
[[nodiscard]] inline Box grow_clipped(const Box& b, int y, int x, const Box& limits) {
  return intersect({b.y0 - y, b.y1 + y, b.x0 - x, b.x1 + x}, limits);
}

/// Pixel size in angstrom along y and x.
struct PixelSize {
  double y = 0;
  double x = 0;
};

/// A probe position in angstrom from the centre of the volume's pixel (0, 0).
struct Position {
  double y = 0;
  double x = 0;
};

} // namespace ptychoscale
