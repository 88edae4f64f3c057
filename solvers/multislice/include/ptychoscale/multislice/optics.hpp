#pragma once

#include "ptychoscale/base/box.hpp"
#include "ptychoscale/compute/backend.hpp"
#include "ptychoscale/multislice/aberrations.hpp"

#include <span>
#include <vector>

namespace ptychoscale {

/// The probe-forming lens. Aberrations in angstrom with the sign of chi below (defocus = -C10).
struct Optics {
  double energy_eV = 0;
  double semiangle_mrad = 0;
  double C10_A = 0;
  double C30_A = 0;
  bool soft_aperture = true;    ///< edge one reciprocal pixel wide (along k) instead of hard
  Aberrations aberrations = {}; ///< that are not round
};

/// The probe A(k) exp(-i chi) in reciprocal space, [ky][kx], zero frequency first, centred on pixel (0, 0),
/// with sum |probe|^2 = 1; chi = (2 pi / lambda) sum C_nm alpha^(n + 1) / (n + 1) cos(m (phi - phi_nm)) with
/// alpha = lambda |k| and phi from +kx towards +ky: C10 alpha^2 / 2 + C30 alpha^4 / 4 where the lens is
/// round. Computed in fp64. Throws InputError when the aperture does not fit the grid.
[[nodiscard]] std::vector<Complex> make_probe(const Optics& optics, Extent extent, PixelSize pixel);

/// The part of a probe [mode][ky][kx] (zero frequency first) that is not zero: values [mode][ky][kx] over the
/// smallest box of signed frequencies that holds all modes, for Backend::shift_probe. Throws InputError when
/// the probe is zero everywhere.
struct ApertureProbe {
  Box box;
  std::vector<Complex> values;
  [[nodiscard]] int modes() const { return static_cast<int>(values.size() / box.extent().area()); }
};
[[nodiscard]] ApertureProbe crop_to_aperture(std::span<const Complex> probe, Extent extent);
/// Its inverse: the probe [mode][ky][kx], zero frequency first.
[[nodiscard]] std::vector<Complex> extend_aperture(const ApertureProbe& lit, Extent extent);

/// Geometric radius in angstrom of the circle the probe illuminates at the entrance surface: how far the ray
/// inside the aperture that misses its middle by most does so, |C10 alpha + C30 alpha^3| of a round lens,
/// else to one in a thousand; at least the Airy radius 0.61 lambda / alpha.
[[nodiscard]] double circle_radius_A(const Optics& optics);

/// The soft circular two-thirds bandwidth limit, [ky][kx], zero frequency first: 1 inside, raised-cosine
/// taper, 0 beyond `cutoff` of the (coarser axis's) Nyquist frequency. Kirkland (2010) sec. 6.8; taper as in
/// abTEM 1.0.
[[nodiscard]] std::vector<float> bandwidth_mask(Extent extent, PixelSize pixel, double cutoff = 2.0 / 3.0,
                                                double taper = 0.01);

/// weight * exp(-i pi lambda dz k^2) along one axis of n pixels, zero frequency first; the two axes' factors
/// multiply to the Fresnel propagator over dz.
[[nodiscard]] std::vector<Complex> fresnel_factor(int n, double pixel_A, double wavelength_A,
                                                  double distance_A, double weight = 1);

/// Smallest extent not below `extent` whose lengths have no prime factor above 7.
[[nodiscard]] Extent fast_extent(Extent extent);

} // namespace ptychoscale
