#include "small_case.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <vector>

namespace ptychoscale {
namespace {

// 6 x 6 whole cells so that the lattice's own reflections are grid frequencies.
SimulationParameters whole_cells() {
  auto p = test::small_case();
  p.volume = {96, 96};
  p.pixel_A = {6 * 3.904 / 96, 6 * 3.904 / 96};
  p.slices = 8;
  p.slice_thickness_A = 4 * 4.152 / 8;
  p.specimen.domain_wall = -1;
  return p;
}

std::vector<double> projected(const SimulationParameters& p) {
  const Specimen specimen(p);
  PotentialGenerator generator(p.volume, p.pixel_A, p.specimen.factors, PotentialGenerator::Sum::nufft, 1);
  std::vector<double> sum(p.volume.area());
  for (int s = 0; s < p.slices; ++s) {
    const auto v = generator.slice(specimen.slice(s));
    for (std::size_t i = 0; i < v.size(); ++i) sum[i] += v[i];
  }
  return sum;
}

// Real part of the coefficient of wave (ky, kx).
double coefficient(const std::vector<double>& v, int ky, int kx) {
  double sum = 0;
  for (int y = 0; y < 96; ++y)
    for (int x = 0; x < 96; ++x)
      sum +=
          v[static_cast<std::size_t>(y * 96 + x)] * std::cos(2 * std::numbers::pi * (ky * y + kx * x) / 96);
  return sum;
}

// Six snapshots of 144 cells: the lattice's reflections must be those of the Debye-Waller factor. A
// reflection's relative scatter per atom is below 0.5 here, so that of the mean over 6 x 144 cells is below
// 0.02; 0.04 is two of them. At rest they are 10 to 25 % larger.
TEST(FrozenPhonons, ApproachTheDebyeWallerFactorOnAverage) {
  auto p = whole_cells();
  p.specimen.thermal = Thermal::debye_waller;
  const auto damped = projected(p);
  p.specimen.thermal = Thermal::none;
  const auto at_rest = projected(p);
  std::vector<double> mean(damped.size());
  p.specimen.thermal = Thermal::frozen_phonon;
  for (p.seed = 1; p.seed <= 6; ++p.seed) {
    const auto snapshot = projected(p);
    for (std::size_t i = 0; i < mean.size(); ++i) mean[i] += snapshot[i] / 6;
  }
  for (const auto& [ky, kx] : {std::pair{12, 12}, std::pair{24, 0}, std::pair{0, 24}}) {
    const double expected = coefficient(damped, ky, kx);
    EXPECT_NEAR(coefficient(mean, ky, kx) / expected, 1, 0.04) << ky << ", " << kx;
    EXPECT_GT(coefficient(at_rest, ky, kx) / expected, 1.08) << ky << ", " << kx;
  }
}

// Mean square displacement of Ti (576 sites, two axes) against B / (8 pi^2); the sample variance of 1152
// normals scatters by sqrt(2 / 1152) = 4.2 %, four of which are allowed.
TEST(FrozenPhonons, HaveTheRightAmplitude) {
  auto p = whole_cells();
  p.slices = 1;
  p.slice_thickness_A = 16 * 4.152;
  p.specimen.thermal = Thermal::frozen_phonon;
  double square = 0;
  std::size_t count = 0;
  for (const auto& species : Specimen(p).slice(0)) {
    EXPECT_EQ(species.B_A2, 0); // vibration enters once
    if (species.atomic_number != 22) continue;
    for (const auto& site : species.sites)
      for (const double u : {site.y, site.x}) {
        const double from_column = std::remainder(u - 3.904 / 2, 3.904);
        square += from_column * from_column;
        ++count;
      }
  }
  ASSERT_EQ(count, 2U * 576U);
  const double expected = 0.45 / (8 * std::numbers::pi * std::numbers::pi);
  EXPECT_NEAR(square / static_cast<double>(count) / expected, 1, 0.17);
}

TEST(Thermal, OnlyTheDebyeWallerChoiceDampsFactors) {
  auto p = whole_cells();
  for (const auto& species : Specimen(p).slice(0))
    EXPECT_EQ(species.B_A2, species.atomic_number == 82 ? 0.9 : 0.7);
  p.specimen.thermal = Thermal::none;
  for (const auto& species : Specimen(p).slice(0)) EXPECT_EQ(species.B_A2, 0);
}

} // namespace
} // namespace ptychoscale
