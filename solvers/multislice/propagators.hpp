#pragma once

#include "ptychoscale/multislice/multislice.hpp"

namespace ptychoscale {

/// Propagators in backend memory.
struct Propagators {
  Buffer<Complex> fresnel_y, fresnel_x, one_y, one_x;
  Buffer<float> mask; ///< only with a bandwidth limit

  /// Over one slice thickness, limited where there is a limit.
  [[nodiscard]] Propagator fresnel() const { return {fresnel_y.data(), fresnel_x.data(), mask.data()}; }
  /// Over no distance: only the limit.
  [[nodiscard]] Propagator limit() const { return {one_y.data(), one_x.data(), mask.data()}; }
};

/// `workspace` is one wave on the grid.
[[nodiscard]] Propagators make_propagators(Backend& backend, const MultisliceParameters& parameters,
                                           Waves workspace);

/// Propagates waves in real space.
void propagate_real(Backend& backend, Waves w, const Propagator& propagator, Sense sense);

} // namespace ptychoscale
