#pragma once

#include "ptychoscale/base/box.hpp"

#include <complex>
#include <vector>

namespace ptychoscale::reference {

/// An independent multislice model in fp64: matrices of plain Fourier sums, nothing shared with the solvers.
struct Model {
  Extent detector;
  Extent grid; ///< equals `detector` for the window grid
  bool tile = false;
  bool limited = false; ///< two-thirds bandwidth limit on transmission and propagator
  PixelSize pixel;
  double wavelength_A = 0;
  double sigma = 0;
  double thickness_A = 0;
  int slices = 0;
  Extent volume; ///< of the tile, whose pixel (0, 0) lies at `origin`
  Offset origin;
  std::vector<std::complex<double>> probe; ///< reciprocal, [mode][ky][kx]
};

using Field = std::vector<std::complex<double>>;

/// Amplitudes at the detector, [ky][kx]: the root of what all modes' intensities add up to.
[[nodiscard]] std::vector<double> amplitudes(const Model& m, const std::vector<double>& potential,
                                             Position position);

/// sum_k (a - |wave|)^2
[[nodiscard]] double loss(const Model& m, const std::vector<double>& potential, Position position,
                          const std::vector<double>& measured);

} // namespace ptychoscale::reference
