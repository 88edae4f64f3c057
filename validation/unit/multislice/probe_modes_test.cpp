// Modes of a probe: made from one, made orthogonal, and compared.
#include "ptychoscale/base/error.hpp"
#include "ptychoscale/multislice/probe_modes.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <numeric>

namespace ptychoscale {
namespace {

constexpr Extent detector{24, 20};
constexpr double rounding = 1e-6; // of probes in single precision

ApertureProbe one_mode() {
  return crop_to_aperture(make_probe({200e3, 25, -80, 0, true}, detector, {0.25, 0.25}), detector);
}

std::complex<double> product(const ApertureProbe& probe, int p, int q) {
  const std::size_t n = probe.box.extent().area();
  std::complex<double> sum = 0;
  for (std::size_t k = 0; k < n; ++k)
    sum += std::conj(std::complex<double>(probe.values[static_cast<std::size_t>(p) * n + k])) *
           std::complex<double>(probe.values[static_cast<std::size_t>(q) * n + k]);
  return sum;
}

/// sum_m P_m(k) P_m(l)* for all pairs of pixels: all that patterns know of the modes.
std::vector<std::complex<double>> beam(const ApertureProbe& probe) {
  const std::size_t n = probe.box.extent().area();
  std::vector<std::complex<double>> all(n * n);
  for (std::size_t m = 0; m < probe.values.size(); m += n)
    for (std::size_t k = 0; k < n; ++k)
      for (std::size_t l = 0; l < n; ++l)
        all[k * n + l] +=
            std::complex<double>(probe.values[m + k]) * std::conj(std::complex<double>(probe.values[m + l]));
  return all;
}

/// Every mode with something of the others, and another phase.
ApertureProbe mixed(const ApertureProbe& probe) {
  const std::size_t n = probe.box.extent().area();
  ApertureProbe made = probe;
  const double c = std::cos(0.4), s = std::sin(0.4);
  for (std::size_t m = 0; m + n < probe.values.size(); m += n) // a unitary matrix of each with the next
    for (std::size_t k = 0; k < n; ++k) {
      const std::complex<double> a(made.values[m + k]), b(made.values[m + n + k]);
      const auto phase = std::polar(1.0, 0.7 + static_cast<double>(m));
      made.values[m + k] = Complex(c * a + s * phase * b);
      made.values[m + n + k] = Complex(c * b - s * std::conj(phase) * a);
    }
  return made;
}

TEST(ProbeModes, OfOneAreOrthogonalWithinItsApertureAndHaveItsPower) {
  const auto one = one_mode();
  for (int modes = 1; modes <= most_probe_modes; ++modes) {
    const auto made = make_modes(one, modes, 0.03);
    ASSERT_EQ(made.modes(), modes);
    const auto powers = powers_of(made);
    EXPECT_NEAR(std::accumulate(powers.begin(), powers.end(), 0.0), 1, rounding);
    for (int p = 0; p < modes; ++p) {
      EXPECT_NEAR(powers[static_cast<std::size_t>(p)], p == 0 ? 1 - 0.03 * (modes - 1) : 0.03, rounding);
      for (int q = 0; q < p; ++q) EXPECT_LT(std::abs(product(made, p, q)), rounding);
    }
    for (std::size_t i = 0; i < made.values.size(); ++i) {
      const bool dark = one.values[i % one.values.size()] == Complex{};
      EXPECT_TRUE(!dark || made.values[i] == Complex{});
    }
  }
}

TEST(ProbeModes, TheSecondIsTheDerivativeOfAShiftedProbe) {
  const auto made = make_modes(one_mode(), 2);
  const auto one = one_mode();
  auto value = one.values.begin();
  std::complex<double> overlap = 0;
  double power = 0;
  std::size_t i = one.values.size();
  for (int ky = one.box.y0; ky < one.box.y1; ++ky)
    for (int kx = one.box.x0; kx < one.box.x1; ++kx, ++i, ++value) {
      const auto derivative = static_cast<double>(kx) * std::complex<double>(*value);
      overlap += std::conj(std::complex<double>(made.values[i])) * derivative;
      power += std::norm(derivative);
    }
  EXPECT_NEAR(std::abs(overlap) / std::sqrt(power * powers_of(made)[1]), 1, 1e-5); // of a symmetric aperture
}

TEST(ProbeModes, AreRefusedWhereAProbeHasTooFewPixels) {
  const ApertureProbe pixels{{0, 1, 0, 2}, {0.6F, 0.8F}};
  EXPECT_EQ(make_modes(pixels, 2).modes(), 2);
  EXPECT_THROW((void)make_modes(pixels, 3), InputError);
}

TEST(ProbeModes, MadeOrthogonalAreTheSameBeamStrongestFirst) {
  for (const int modes : {2, 3, 8}) {
    const auto given = mixed(make_modes(one_mode(), modes, 0.04));
    const auto made = orthogonal_modes(given);
    for (int p = 0; p < modes; ++p)
      for (int q = 0; q < p; ++q) EXPECT_LT(std::abs(product(made, p, q)), rounding) << modes;
    const auto powers = powers_of(made);
    for (std::size_t m = 1; m < powers.size(); ++m) EXPECT_LT(powers[m], powers[m - 1] + rounding);
    const auto before = beam(given), after = beam(made);
    for (std::size_t i = 0; i < before.size(); ++i) EXPECT_LT(std::abs(before[i] - after[i]), rounding);
  }
  const auto one = one_mode();
  EXPECT_EQ(orthogonal_modes(one).values, one.values);
}

TEST(ProbeModes, OverlapWithThemselvesHoweverTheyAreMixed) {
  const auto made = make_modes(one_mode(), 4, 0.1);
  EXPECT_NEAR(overlap_of(made, made), 1, rounding);
  EXPECT_NEAR(overlap_of(mixed(made), made), 1, rounding);
  EXPECT_NEAR(overlap_of(made, orthogonal_modes(mixed(made))), 1, rounding);
  // Powers 0.7, 0.1, 0.1, 0.1 along the same modes as 0.4, 0.2, 0.2, 0.2.
  EXPECT_NEAR(overlap_of(made, make_modes(one_mode(), 4, 0.2)),
              std::sqrt(0.7 * 0.4) + 3 * std::sqrt(0.1 * 0.2), rounding);
}

} // namespace
} // namespace ptychoscale
