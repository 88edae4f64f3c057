#include "ptychoscale/base/physics.hpp"

#include <cmath>
#include <numbers>

namespace ptychoscale {
namespace {
constexpr double planck_J_s = 6.62607015e-34;
constexpr double charge_C = 1.602176634e-19;
constexpr double electron_mass_kg = 9.1093837015e-31;
constexpr double light_m_per_s = 299792458.0;
constexpr double angstrom_per_m = 1e10;
} // namespace

double electron_wavelength_A(double energy_eV) {
  const double kinetic_J = energy_eV * charge_C;
  const double rest_J = electron_mass_kg * light_m_per_s * light_m_per_s;
  const double momentum_c_J = std::sqrt(kinetic_J * (kinetic_J + 2 * rest_J));
  return planck_J_s * light_m_per_s / momentum_c_J * angstrom_per_m;
}

double interaction_parameter(double energy_eV) {
  const double kinetic_J = energy_eV * charge_C;
  const double mass_kg = electron_mass_kg + kinetic_J / (light_m_per_s * light_m_per_s);
  const double wavelength_m = electron_wavelength_A(energy_eV) / angstrom_per_m;
  return 2 * std::numbers::pi * mass_kg * charge_C * wavelength_m / (planck_J_s * planck_J_s) /
         angstrom_per_m;
}

} // namespace ptychoscale
