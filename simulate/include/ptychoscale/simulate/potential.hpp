#pragma once

#include "ptychoscale/base/box.hpp"
#include "ptychoscale/simulate/scattering_factors.hpp"

#include <memory>
#include <span>
#include <vector>

namespace ptychoscale {

/// Atoms of one species in one slice.
struct SpeciesInSlice {
  int atomic_number = 0;
  double B_A2 = 0;             ///< Debye-Waller factor applied to the scattering factor; 0: none
  std::vector<Position> sites; ///< angstrom from the centre of pixel (0, 0); taken modulo the grid's period
};

/// Projected potential of one slice on a periodic grid, from infinitely projected atoms:
/// V(r) = h^2 / (2 pi m e A) Re sum_k exp(2 pi i k r) sum_species f(k) exp(-B k^2 / 4) sum_sites exp(-2 pi i
/// k r_site), over the grid's own frequencies k, A the grid's area, m the rest mass. Kirkland (2010),
/// sec. 5.4.
class PotentialGenerator {
public:
  enum class Sum {
    exact, ///< every phase; for small grids and as a reference
    nufft, ///< a type-1 non-uniform FFT, equal to `exact` to 1e-9 relative
  };
  /// Throws InputError when a pixel count or size or `threads` is not positive. The result does not depend on
  /// `threads`.
  [[nodiscard]] PotentialGenerator(Extent extent, PixelSize pixel, ScatteringFactors factors, Sum sum,
                                   int threads);
  ~PotentialGenerator();
  PotentialGenerator(PotentialGenerator&&) noexcept;
  /// About what a generator and one slice of `sites` atoms take, bytes.
  [[nodiscard]] static double bytes(Extent extent, Sum sum, double sites, int threads);
  /// Potential [y][x] in V * angstrom. Not thread-safe. Throws InputError for an unknown atomic number.
  [[nodiscard]] std::vector<double> slice(std::span<const SpeciesInSlice> atoms);

private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

} // namespace ptychoscale
