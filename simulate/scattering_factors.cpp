#include "ptychoscale/simulate/scattering_factors.hpp"

#include "ptychoscale/base/error.hpp"
#include "scattering_tables.hpp"

#include <fmt/format.h>

#include <cmath>
#include <cstddef>

namespace ptychoscale {
namespace {

double evaluate(const LobatoTerms& terms, double k2) {
  double f = 0;
  for (std::size_t i = 0; i < terms.a.size(); ++i) {
    const double d = 1 + terms.b[i] * k2;
    f += terms.a[i] * (1 + d) / (d * d);
  }
  return f;
}

double evaluate(const KirklandTerms& terms, double k2) {
  double f = 0;
  for (std::size_t i = 0; i < terms.a.size(); ++i)
    f += terms.a[i] / (k2 + terms.b[i]) + terms.c[i] * std::exp(-terms.d[i] * k2);
  return f;
}

} // namespace

ScatteringFactors scattering_factors(std::string_view text) {
  for (const auto known : {ScatteringFactors::lobato, ScatteringFactors::kirkland})
    if (text == name(known)) return known;
  throw InputError(fmt::format("scattering factors '{}' are unknown; valid: lobato, kirkland", text));
}

std::string_view name(ScatteringFactors factors) {
  return factors == ScatteringFactors::lobato ? "lobato" : "kirkland";
}

double scattering_factor_A(ScatteringFactors factors, int atomic_number, double k2) {
  if (atomic_number < 1 || atomic_number > heaviest_element)
    throw InputError(fmt::format("atomic number {} has no scattering factor; valid: 1 to {}", atomic_number,
                                 heaviest_element));
  const auto row = static_cast<std::size_t>(atomic_number - 1);
  return factors == ScatteringFactors::lobato ? evaluate(lobato_table[row], k2)
                                              : evaluate(kirkland_table[row], k2);
}

} // namespace ptychoscale
