#pragma once

#include <string_view>

namespace ptychoscale {

/// Published parametrisations of the elastic scattering of electrons by neutral atoms at rest.
enum class ScatteringFactors {
  lobato,   ///< I. Lobato and D. Van Dyck, Acta Cryst. A 70, 636 (2014)
  kirkland, ///< E. J. Kirkland, Advanced Computing in Electron Microscopy, 2nd ed. (2010), appendix C
};
[[nodiscard]] ScatteringFactors scattering_factors(std::string_view name);
[[nodiscard]] std::string_view name(ScatteringFactors factors);

/// Both parametrisations cover hydrogen to lawrencium.
inline constexpr int heaviest_element = 103;

/// Electron scattering factor in angstrom (first Born approximation, rest mass) of an element, 1 to
/// `heaviest_element`, at `k2` = |k|^2 in 1 / angstrom^2 (k = 2 sin(theta) / lambda). Throws InputError for
/// another atomic number.
[[nodiscard]] double scattering_factor_A(ScatteringFactors factors, int atomic_number, double k2);

} // namespace ptychoscale
