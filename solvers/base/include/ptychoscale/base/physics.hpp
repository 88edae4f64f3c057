#pragma once

namespace ptychoscale {

/// Relativistic electron wavelength in angstrom at a kinetic energy in eV. CODATA 2018 (exact SI constants).
[[nodiscard]] double electron_wavelength_A(double energy_eV);

/// Interaction parameter sigma in rad / (V * angstrom) at a kinetic energy in eV: 2 pi m e lambda / h^2 with
/// the relativistic mass m; Kirkland, Advanced Computing in Electron Microscopy (2010), eq. 5.6.
[[nodiscard]] double interaction_parameter(double energy_eV);

} // namespace ptychoscale
