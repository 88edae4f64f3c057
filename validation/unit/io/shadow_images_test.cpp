#include "ptychoscale/base/physics.hpp"
#include "ptychoscale/compute/frequency.hpp"
#include "ptychoscale/io/shadow_images.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

namespace ptychoscale::test {
namespace {

constexpr double C10_A = -120;

/// A raster of 13 x 14 positions and a detector of unequal sides.
DatasetHeader header() {
  DatasetHeader h;
  h.detector = {48, 40};
  h.pixel = {0.25, 0.3};
  h.energy_eV = 200e3;
  h.semiangle_mrad = 22;
  h.C10_A = C10_A;
  h.slices = 1;
  h.scan = {13, 14};
  h.scan_step_A = {1.2, 1.1};
  h.volume = {100, 100};
  for (int y = 0; y < 13; ++y)
    for (int x = 0; x < 14; ++x) h.positions_A.push_back({4 + 1.2 * y, 5 + 1.1 * x});
  return h;
}

/// Of waves that share no period, so that no shift brings the specimen back to itself.
double transmitted(double y, double x) {
  return 1 + 0.1 * std::sin(1.9 * y + 0.4 * x) + 0.1 * std::sin(1.3 * x - 0.7 * y) +
         0.1 * std::sin(2.3 * x + 1.1 * y);
}

/// What every pixel of the disk sees of the specimen, from its own angle, in patterns that are (transposed
/// and) turned.
void record(ShadowImages& shadows, const DatasetHeader& h, double c10_A, double degrees = 0,
            bool transposed = false) {
  const double c = std::cos(degrees * std::numbers::pi / 180), s = std::sin(degrees * std::numbers::pi / 180);
  const double wavelength = electron_wavelength_A(h.energy_eV);
  std::vector<float> amplitudes(h.detector.area());
  for (std::size_t n = 0; n < h.positions_A.size(); ++n) {
    for (int i = 0; i < h.detector.y; ++i)
      for (int j = 0; j < h.detector.x; ++j) {
        double y = wavelength * signed_frequency(i, h.detector.y) / (h.detector.y * h.pixel.y);
        double x = wavelength * signed_frequency(j, h.detector.x) / (h.detector.x * h.pixel.x);
        const bool lit = std::hypot(y, x) < 1e-3 * h.semiangle_mrad;
        if (transposed) std::swap(y, x);
        const auto& p = h.positions_A[n];
        const double seen = transmitted(p.y + c10_A * (c * y - s * x), p.x + c10_A * (s * y + c * x));
        amplitudes[static_cast<std::size_t>(i * h.detector.x + j)] =
            lit ? static_cast<float>(std::sqrt(seen)) : 0.0F;
      }
    shadows.add(static_cast<int>(n), amplitudes);
  }
}

TEST(ShadowImages, TellDefocusWithItsSign) {
  const auto h = header();
  for (const double c10_A : {-120.0, 90.0}) {
    ShadowImages shadows(h);
    record(shadows, h, c10_A);
    const auto fit = shadows.fit();
    ASSERT_TRUE(fit && fit->is_clear());
    EXPECT_NEAR(fit->C10_A, c10_A, 12); // a tenth of a cell's width over the semi-angle, twice
    EXPECT_NEAR(fit->degrees, 0, 3);
    EXPECT_FALSE(fit->is_other());
    EXPECT_GT(fit->agreement, 0.7);
    EXPECT_LT(fit->otherwise, 0.5);
    EXPECT_NEAR(fit->as_is, fit->agreement, 0.1);
  }
}

TEST(ShadowImages, TellHowPatternsAreTurned) {
  const auto h = header();
  const std::pair<double, bool> cases[]{{17, false}, {-40, true}, {85, false}};
  for (const auto& [degrees, transposed] : cases) {
    ShadowImages shadows(h);
    record(shadows, h, C10_A, degrees, transposed);
    const auto fit = shadows.fit();
    ASSERT_TRUE(fit && fit->is_clear());
    EXPECT_TRUE(fit->is_other());
    EXPECT_EQ(fit->transposed, transposed);
    EXPECT_NEAR(fit->degrees, degrees, 3);
    EXPECT_NEAR(fit->C10_A, C10_A, 12);
    EXPECT_LT(fit->as_is, 0.85 * fit->agreement);
  }
}

TEST(ShadowImages, HalfATurnIsTheOtherSign) {
  const auto h = header();
  ShadowImages shadows(h);
  record(shadows, h, C10_A, 180);
  const auto fit = shadows.fit();
  ASSERT_TRUE(fit && fit->is_clear());
  EXPECT_NEAR(fit->degrees, 0, 3);
  EXPECT_NEAR(fit->C10_A, -C10_A, 12);
}

TEST(ShadowImages, OfPixelsWithoutWeightAndManyScatteredPositions) {
  auto h = header();
  h.scattered = true;
  h.scan_step_A = {0.5, 0.5};
  h.positions_A.clear();
  for (int i = 0; i < 800; ++i) // spread evenly, on no raster
    h.positions_A.push_back(
        {4 + 16 * std::fmod(i * 0.7548776662466927, 1.0), 4 + 16 * std::fmod(i * 0.5698402909980532, 1.0)});
  h.pixels_used.assign(h.detector.area(), 1);
  for (int i = 0; i < h.detector.y; ++i)
    for (int j = 1; j < 4; ++j) h.pixels_used[static_cast<std::size_t>(i * h.detector.x + j)] = 0;
  ShadowImages shadows(h);
  record(shadows, h, C10_A, 25);
  const auto fit = shadows.fit();
  ASSERT_TRUE(fit && fit->is_clear());
  EXPECT_NEAR(fit->degrees, 25, 3);
  EXPECT_NEAR(fit->C10_A, C10_A, 12);
}

TEST(ShadowImages, OfACrystalThatFitsTheStepsDoNotTellIt) {
  auto h = header();
  h.scan_step_A = {1.0, 1.0};
  h.positions_A.clear();
  for (int y = 0; y < 13; ++y)
    for (int x = 0; x < 14; ++x) h.positions_A.push_back({1.0 * y, 1.0 * x});
  ShadowImages shadows(h);
  std::vector<float> amplitudes(h.detector.area());
  for (int n = 0; n < 182; ++n) {
    for (int i = 0; i < h.detector.y; ++i)
      for (int j = 0; j < h.detector.x; ++j) {
        const double y =
            h.positions_A[static_cast<std::size_t>(n)].y + 0.4 * signed_frequency(i, h.detector.y);
        const double x =
            h.positions_A[static_cast<std::size_t>(n)].x + 0.4 * signed_frequency(j, h.detector.x);
        const double seen = 1 + 0.2 * std::cos(std::numbers::pi * y) + 0.2 * std::cos(std::numbers::pi * x);
        amplitudes[static_cast<std::size_t>(i * h.detector.x + j)] = static_cast<float>(std::sqrt(seen));
      }
    shadows.add(n, amplitudes);
  }
  const auto fit = shadows.fit();
  ASSERT_TRUE(fit);
  EXPECT_FALSE(fit->is_clear());
}

TEST(ShadowImages, InFocusDoNotTellIt) {
  const auto h = header();
  ShadowImages shadows(h);
  record(shadows, h, 0);
  const auto fit = shadows.fit();
  ASSERT_TRUE(fit);
  EXPECT_FALSE(fit->is_clear());
  EXPECT_NEAR(fit->otherwise, 1, 0.01); // all parts of a position see the same
}

TEST(ShadowImages, OfNoiseDoNotTellIt) {
  const auto h = header();
  ShadowImages shadows(h);
  std::vector<float> amplitudes(h.detector.area());
  std::uint32_t state = 1;
  for (int n = 0; n < 182; ++n) {
    for (auto& a : amplitudes) {
      state = state * 1664525U + 1013904223U;
      a = static_cast<float>(state >> 8U) * 0x1p-24F;
    }
    shadows.add(n, amplitudes);
  }
  const auto fit = shadows.fit();
  ASSERT_TRUE(fit);
  EXPECT_FALSE(fit->is_clear());
}

TEST(ShadowImages, NeedEnoughPositionsAndAWideScan) {
  auto h = header();
  h.positions_A.resize(35);
  ShadowImages few(h);
  record(few, h, C10_A);
  EXPECT_FALSE(few.fit());
  h = header();
  for (auto& p : h.positions_A) p.x = 5;
  ShadowImages narrow(h);
  record(narrow, h, C10_A);
  EXPECT_FALSE(narrow.fit());
}

} // namespace
} // namespace ptychoscale::test
