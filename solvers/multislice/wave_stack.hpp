#pragma once

#include "ptychoscale/compute/backend.hpp"

namespace ptychoscale {

/// Several sets of as many waves as there are just now, [part][active][y][x], in memory for `parts` times
/// `batch` of them.
class WaveStack {
public:
  WaveStack() = default;
  [[nodiscard]] WaveStack(Backend& backend, int parts, int batch, Extent extent)
      : memory_(backend, static_cast<std::size_t>(parts) * static_cast<std::size_t>(batch) * extent.area(),
                MemoryLabel::waves),
        extent_(extent) {}

  [[nodiscard]] Waves part(int i, int active) const {
    const auto before = static_cast<std::size_t>(i) * static_cast<std::size_t>(active);
    return {memory_.data() + before * extent_.area(), active, extent_};
  }

private:
  Buffer<Complex> memory_;
  Extent extent_;
};

} // namespace ptychoscale
