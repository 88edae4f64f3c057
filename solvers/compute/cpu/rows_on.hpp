#pragma once

#include "ptychoscale/base/box.hpp"

#include <algorithm>

namespace ptychoscale {

/// The wave's rows [first, last) that lie on the slice at all; empty when they only touch vacuum.
struct Rows {
  int first = 0;
  int last = 0;
};

[[nodiscard]] inline Rows rows_on(Extent slice, Offset origin, Extent wave) {
  const int first = std::max(0, -origin.y);
  const bool beside = origin.x >= slice.x || origin.x + wave.x <= 0;
  return {first, beside ? first : std::max(first, std::min(wave.y, slice.y - origin.y))};
}

} // namespace ptychoscale
