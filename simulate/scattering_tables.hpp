#pragma once

#include "ptychoscale/simulate/scattering_factors.hpp"

#include <array>

namespace ptychoscale {

/// f(k) = sum_i a_i (2 + b_i k^2) / (1 + b_i k^2)^2; a in angstrom, b in angstrom^2.
struct LobatoTerms {
  std::array<double, 5> a;
  std::array<double, 5> b;
};

/// f(k) = sum_i a_i / (k^2 + b_i) + sum_i c_i exp(-d_i k^2); a in 1 / angstrom, b in 1 / angstrom^2, c in
/// angstrom, d in angstrom^2.
struct KirklandTerms {
  std::array<double, 3> a;
  std::array<double, 3> b;
  std::array<double, 3> c;
  std::array<double, 3> d;
};

/// By atomic number - 1.
extern const std::array<LobatoTerms, heaviest_element> lobato_table;
extern const std::array<KirklandTerms, heaviest_element> kirkland_table;

} // namespace ptychoscale
