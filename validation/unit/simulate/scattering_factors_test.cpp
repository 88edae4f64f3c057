#include "ptychoscale/base/error.hpp"
#include "ptychoscale/simulate/scattering_factors.hpp"

#include <gtest/gtest.h>

namespace ptychoscale {
namespace {

// Factors of neutral atoms are positive and fall with k.
TEST(ScatteringFactors, FallMonotonicallyForEveryElement) {
  for (const auto factors : {ScatteringFactors::lobato, ScatteringFactors::kirkland})
    for (int z = 1; z <= heaviest_element; ++z)
      for (double k = 0; k < 10; k += 0.25) {
        const double here = scattering_factor_A(factors, z, k * k);
        const double further = scattering_factor_A(factors, z, (k + 0.25) * (k + 0.25));
        EXPECT_GT(further, 0) << name(factors) << " Z = " << z << ", k = " << k;
        EXPECT_GT(here, further) << name(factors) << " Z = " << z << ", k = " << k;
      }
}

// Where the nucleus dominates, f -> Z / (2 pi^2 a0 k^2) (Mott-Bethe). Lobato and Van Dyck built that in:
// their rows keep it to the Bohr radius's digits, 2.4e-10, so that a wrong digit anywhere in a row shows.
TEST(ScatteringFactors, LobatoApproachesTheNucleus) {
  constexpr double pi = 3.14159265358979324;
  constexpr double bohr_A = 0.529177210903;
  for (int z = 1; z <= heaviest_element; ++z) {
    const double k2 = 1e8;
    EXPECT_NEAR(scattering_factor_A(ScatteringFactors::lobato, z, k2) * 2 * pi * pi * bohr_A * k2 / z, 1,
                1e-8)
        << "Z = " << z;
  }
}

// Both fit the same atoms: between 0.5 and 4 / A they differ by 2.5 % at most (Ce at 0.5 / A), by under 1.7 %
// but for that.
TEST(ScatteringFactors, ParametrisationsAgree) {
  for (int z = 1; z <= heaviest_element; ++z)
    for (double k = 0.5; k <= 4; k += 0.25)
      EXPECT_NEAR(scattering_factor_A(ScatteringFactors::lobato, z, k * k) /
                      scattering_factor_A(ScatteringFactors::kirkland, z, k * k),
                  1, 0.03)
          << "Z = " << z << ", k = " << k;
}

TEST(ScatteringFactors, NamesRoundTrip) {
  EXPECT_EQ(scattering_factors(name(ScatteringFactors::lobato)), ScatteringFactors::lobato);
  EXPECT_EQ(scattering_factors(name(ScatteringFactors::kirkland)), ScatteringFactors::kirkland);
  EXPECT_THROW((void)scattering_factors("peng"), InputError);
}

TEST(ScatteringFactors, RefuseUnknownElements) {
  EXPECT_THROW((void)scattering_factor_A(ScatteringFactors::lobato, 0, 1), InputError);
  EXPECT_THROW((void)scattering_factor_A(ScatteringFactors::kirkland, 104, 1), InputError);
}

} // namespace
} // namespace ptychoscale
