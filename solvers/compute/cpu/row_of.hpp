#pragma once

#include "ptychoscale/compute/backend.hpp"

namespace ptychoscale::cpu {

/// Row y of a grid [y][x].
template <class T> [[nodiscard]] T* row_of(T* grid, Extent extent, int y) {
  return grid + static_cast<std::size_t>(y) * static_cast<std::size_t>(extent.x);
}

/// Row y of one of the waves.
[[nodiscard]] inline Complex* row_of(Waves w, int wave, int y) {
  return row_of(w.one(wave).data, w.extent, y);
}

} // namespace ptychoscale::cpu
