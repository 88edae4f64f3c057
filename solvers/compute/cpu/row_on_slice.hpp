#pragma once

#include "phase.hpp"
#include "row_of.hpp"
#include "scratch.hpp"

#include <algorithm>

namespace ptychoscale::cpu {

/// The part of a wave's row that lies on the slice: pixels [first, first + n) of the row, from pixel (y, x)
/// of the slice.
struct Segment {
  int first = 0;
  int n = 0;
  int y = 0;
  int x = 0;
};

[[nodiscard]] inline Segment segment_on(Extent slice, Offset origin, int row, int row_length) {
  const int y = origin.y + row;
  if (y < 0 || y >= slice.y) return {};
  const int first = std::max(0, -origin.x);
  const int last = std::min(row_length, slice.x - origin.x);
  return {first, std::max(0, last - first), y, origin.x + first};
}

/// Where the segment lies in the slice [y][x].
[[nodiscard]] inline float* at(float* slice, Extent extent, const Segment& segment) {
  return row_of(slice, extent, segment.y) + segment.x;
}

/// scale * exp(i sigma V) of the segment, to the scratch's cosine and sine.
inline void phase_factors(Slice potential, const Segment& segment, float sigma, float scale, Scratch& t) {
  phase::factors(at(potential.data, potential.extent, segment), sigma, scale, t.cosine.data(), t.sine.data(),
                 segment.n);
}

/// pixels <- the scratch's phase factors times them.
inline void multiply(Complex* pixels, const Segment& segment, const Scratch& t) {
  phase::multiply(pixels, t.cosine.data(), t.sine.data(), segment.n);
}

/// The segment's gradient g goes where the update says.
inline void deliver(const SliceUpdate& update, const Segment& segment, const float* g) {
  const Extent e = update.potential.extent;
  float* gradient = update.gradient != nullptr ? at(update.gradient, e, segment) : nullptr;
  phase::apply(at(update.potential.data, e, segment), gradient, g, update.step, segment.n);
}

} // namespace ptychoscale::cpu
