#pragma once

#include "ptychoscale/compute/backend.hpp"

#include <span>

namespace ptychoscale {

/// The waves under way and, behind them in memory, their adjoints.
struct Beam {
  Waves psi;
  Waves chi;
  std::span<const Offset> origins; ///< of the grid on the volume, per wave
  /// For verbs that treat all alike.
  [[nodiscard]] Waves both() const { return {psi.data, psi.count + chi.count, psi.extent}; }
};

} // namespace ptychoscale
