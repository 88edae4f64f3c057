#pragma once

#include "ptychoscale/multislice/optics.hpp"

#include <span>
#include <vector>

namespace ptychoscale {

/// Most modes that a probe may have.
inline constexpr int most_probe_modes = 8;

/// Sum |P_m|^2 of every mode, of so many pixels each.
/// @{
[[nodiscard]] std::vector<double> powers_of(std::span<const Complex> probe, std::size_t pixels);
[[nodiscard]] inline std::vector<double> powers_of(const ApertureProbe& probe) {
  return powers_of(probe.values, probe.box.extent().area());
}
/// @}

/// `modes` orthogonal ones from one, strongest first, with its power together: P(k) times 1, kx, ky, kx^2, kx
/// ky, ..., each made orthogonal to those before it, as in PtychoShelves' Hermite-like modes (Wakonig et al.,
/// J. Appl. Cryst. 53, 2020), which take powers of x instead. Those of k are the Taylor terms of a probe that
/// is shifted, which an extended source or a vibration adds up; and they leave the aperture as it is. All but
/// the first have `share` of the power. Throws InputError when the probe has too few pixels for so many.
[[nodiscard]] ApertureProbe make_modes(const ApertureProbe& probe, int modes, double share = 0.02);

/// The same beam, sum_m P_m P_m^H, from modes that are orthogonal to each other, strongest first: no pattern
/// tells them from those that are given. One mode stays as it is.
[[nodiscard]] ApertureProbe orthogonal_modes(const ApertureProbe& probe);

/// The largest |sum conj(a) (U b)| that any unitary mixing U of b's modes, of which there are as many, gives:
/// the sum of the singular values of their products (Schoenemann, Psychometrika 31, 1966). So |a|^2 + |b|^2 -
/// 2 times this is how far two beams are apart, whatever their modes' phases and order.
[[nodiscard]] double overlap_of(const ApertureProbe& a, const ApertureProbe& b);

} // namespace ptychoscale
