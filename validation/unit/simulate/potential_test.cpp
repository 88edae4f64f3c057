#include "counter_random.hpp"
#include "ptychoscale/base/error.hpp"
#include "ptychoscale/simulate/potential.hpp"
#include "small_case.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <vector>

namespace ptychoscale {
namespace {

using Sum = PotentialGenerator::Sum;
constexpr double volt_A2 = 47.8776473; // h^2 / (2 pi m e)

// Sites all over the plane, some outside the period, one on the border.
std::vector<SpeciesInSlice> scattered_atoms(Extent extent, PixelSize pixel, int count) {
  std::vector<SpeciesInSlice> atoms{{82, 0.9, {{0, 0}}}, {8, 0.0, {}}};
  for (int i = 0; i < count; ++i) {
    const auto w = philox({static_cast<std::uint32_t>(i), 0, 0, 0}, 7);
    const Position site{(1.4 * uniform(w[0]) - 0.2) * extent.y * pixel.y,
                        (1.4 * uniform(w[1]) - 0.2) * extent.x * pixel.x};
    atoms[static_cast<std::size_t>(i % 2)].sites.push_back(site);
  }
  return atoms;
}

std::vector<double> potential(Extent extent, PixelSize pixel, Sum sum,
                              const std::vector<SpeciesInSlice>& atoms, int threads = 1) {
  PotentialGenerator generator(extent, pixel, ScatteringFactors::lobato, sum, threads);
  return generator.slice(atoms);
}

// The average over the grid is its k = 0 term: h^2 / (2 pi m e) sum of f(0) over the area, to rounding.
TEST(Potential, MeanIsTheForwardScattering) {
  const Extent extent{60, 45};
  const PixelSize pixel{0.2, 0.3};
  const auto atoms = scattered_atoms(extent, pixel, 11);
  double expected = 0;
  for (const auto& species : atoms)
    expected += static_cast<double>(species.sites.size()) *
                scattering_factor_A(ScatteringFactors::lobato, species.atomic_number, 0);
  expected *= volt_A2 / (60 * 0.2 * 45 * 0.3);
  for (const Sum sum : {Sum::exact, Sum::nufft}) {
    const auto v = potential(extent, pixel, sum, atoms);
    EXPECT_NEAR(std::accumulate(v.begin(), v.end(), 0.0) / static_cast<double>(v.size()) / expected, 1, 1e-8);
  }
}

// One atom on a 4 x 2 grid, all eight terms written out: the Nyquist terms included.
TEST(Potential, IsTheSumOfItsWaves) {
  const Extent extent{4, 2};
  const PixelSize pixel{0.5, 0.7};
  const Position site{0.3, 0.9};
  const double B = 0.5;
  std::vector<double> expected;
  for (int y = 0; y < 4; ++y)
    for (int x = 0; x < 2; ++x) {
      double sum = 0;
      for (const int ky : {-2, -1, 0, 1})
        for (const int kx : {-1, 0}) {
          const double qy = ky / 2.0;
          const double qx = kx / 1.4;
          const double k2 = qy * qy + qx * qx;
          const double phase =
              2 * std::numbers::pi * (qy * (y * pixel.y - site.y) + qx * (x * pixel.x - site.x));
          sum += scattering_factor_A(ScatteringFactors::lobato, 22, k2) * std::exp(-B * k2 / 4) *
                 std::cos(phase);
        }
      expected.push_back(volt_A2 / (2.0 * 1.4) * sum);
    }
  // 1e-9: the digits of the constant above, and the bar of the non-uniform FFT.
  const std::vector<SpeciesInSlice> atoms{{22, B, {site}}};
  EXPECT_LT(test::relative_l2(potential(extent, pixel, Sum::exact, atoms), expected), 1e-9);
  EXPECT_LT(test::relative_l2(potential(extent, pixel, Sum::nufft, atoms), expected), 1e-9);
}

// The bar is 1e-9; the kernel's own error is near 1e-11. Even, odd, prime and tiny lengths.
TEST(Potential, NonuniformFftEqualsExactSum) {
  for (const Extent extent :
       {Extent{240, 256}, Extent{97, 150}, Extent{64, 61}, Extent{5, 3}, Extent{1, 8}}) {
    const PixelSize pixel{0.11, 0.1};
    const auto atoms = scattered_atoms(extent, pixel, 120);
    EXPECT_LT(test::relative_l2(potential(extent, pixel, Sum::nufft, atoms),
                                potential(extent, pixel, Sum::exact, atoms)),
              1e-9)
        << extent.y << " x " << extent.x;
  }
}

// A shift of all atoms by whole pixels moves the field cyclically; the shift also takes atoms across the
// border.
TEST(Potential, IsPeriodicUnderShifts) {
  const Extent extent{48, 40};
  const PixelSize pixel{0.2, 0.25};
  auto atoms = scattered_atoms(extent, pixel, 9);
  const auto before = potential(extent, pixel, Sum::nufft, atoms);
  for (auto& species : atoms)
    for (auto& site : species.sites) site = {site.y + 17 * pixel.y, site.x - 33 * pixel.x};
  const auto after = potential(extent, pixel, Sum::nufft, atoms);
  std::vector<double> rolled(before.size());
  for (std::size_t y = 0; y < 48; ++y)
    for (std::size_t x = 0; x < 40; ++x) rolled[(y + 17) % 48 * 40 + (x + 40 - 33) % 40] = before[y * 40 + x];
  EXPECT_LT(test::relative_l2(after, rolled), 1e-9);
}

// exp(-B k^2 / 4) on one Fourier coefficient of a single atom, to rounding.
TEST(Potential, DebyeWallerDampsEachWave) {
  const Extent extent{32, 32};
  const PixelSize pixel{0.2, 0.2};
  const double B = 0.9;
  const auto coefficient = [&](double B_A2) {
    const auto v = potential(extent, pixel, Sum::exact, {{82, B_A2, {{0, 0}}}});
    double sum = 0; // ky = 3, kx = 5; real, as the atom sits at the origin
    for (int y = 0; y < 32; ++y)
      for (int x = 0; x < 32; ++x)
        sum +=
            v[static_cast<std::size_t>(y * 32 + x)] * std::cos(2 * std::numbers::pi * (3 * y + 5 * x) / 32);
    return sum;
  };
  const double k2 = (9 + 25) / (6.4 * 6.4);
  EXPECT_NEAR(coefficient(B) / coefficient(0), std::exp(-B * k2 / 4), 1e-11);
}

TEST(Potential, DoesNotDependOnThreads) {
  const Extent extent{90, 75};
  const PixelSize pixel{0.1, 0.12};
  const auto atoms = scattered_atoms(extent, pixel, 50);
  for (const Sum sum : {Sum::exact, Sum::nufft})
    EXPECT_EQ(potential(extent, pixel, sum, atoms, 1), potential(extent, pixel, sum, atoms, 3));
}

TEST(Potential, TakesAboutWhatIsCounted) {
  const Extent extent{512, 450};
  const PixelSize pixel{0.1, 0.12};
  constexpr int sites = 4000;
  const auto atoms = scattered_atoms(extent, pixel, sites);
  for (const Sum sum : {Sum::exact, Sum::nufft}) {
    memory_meter().forget_peaks();
    const auto before = memory_meter().read().total_now;
    const auto v = potential(extent, pixel, sum, atoms);
    // What is not metered: the result; the sites; and of a direct sum one species' phases along y.
    const double phases = sum == Sum::exact ? 16.0 * sites / 2 * extent.y : 0;
    const double taken = static_cast<double>(memory_meter().read().total_peak - before) +
                         static_cast<double>(8 * v.size()) + phases;
    const double counted = PotentialGenerator::bytes(extent, sum, sites, 1);
    EXPECT_GE(counted, taken);
    EXPECT_LE(counted, 2 * taken);
  }
}

TEST(Potential, IsZeroWithoutAtoms) {
  const auto v = potential({8, 6}, {0.1, 0.1}, Sum::nufft, {});
  EXPECT_EQ(v, std::vector<double>(48, 0.0));
}

TEST(Potential, RefusesWhatCannotBe) {
  const auto make = [](Extent extent, PixelSize pixel, int threads) {
    return PotentialGenerator(extent, pixel, ScatteringFactors::lobato, Sum::nufft, threads);
  };
  EXPECT_THROW((void)make({0, 8}, {0.1, 0.1}, 1), InputError);
  EXPECT_THROW((void)make({8, -1}, {0.1, 0.1}, 1), InputError);
  EXPECT_THROW((void)make({8, 8}, {0, 0.1}, 1), InputError);
  EXPECT_THROW((void)make({8, 8}, {0.1, NAN}, 1), InputError);
  EXPECT_THROW((void)make({8, 8}, {0.1, 0.1}, 0), InputError);
  EXPECT_THROW((void)potential({8, 8}, {0.1, 0.1}, Sum::nufft, {{104, 0, {{0, 0}}}}), InputError);
}

} // namespace
} // namespace ptychoscale
