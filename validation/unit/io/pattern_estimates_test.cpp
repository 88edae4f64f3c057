#include "ptychoscale/io/pattern_estimates.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

namespace ptychoscale::test {
namespace {

/// A raster of 12 x 13 positions and a detector of unequal sides; a beam of 15 pixels along kx.
DatasetHeader header() {
  DatasetHeader h;
  h.detector = {64, 48};
  h.pixel = {0.25, 0.3};
  h.energy_eV = 200e3;
  h.semiangle_mrad = 20;
  h.scan = {12, 13};
  h.scan_step_A = {1.0, 0.9};
  h.volume = {100, 100};
  for (int y = 0; y < 12; ++y)
    for (int x = 0; x < 13; ++x) h.positions_A.push_back({4 + 1.0 * y, 5 + 0.9 * x});
  return h;
}

/// The gradient of a smooth potential at every position, turned from x towards y.
std::vector<Deflection> gradient(const DatasetHeader& h, double degrees, bool transposed = false) {
  const double c = std::cos(degrees * std::numbers::pi / 180), s = std::sin(degrees * std::numbers::pi / 180);
  std::vector<Deflection> all;
  for (const auto& p : h.positions_A) {
    const double y = 0.3 * std::cos(0.5 * p.y) * std::cos(0.4 * p.x);
    const double x = -0.24 * std::sin(0.5 * p.y) * std::sin(0.4 * p.x);
    const Deflection turned{s * x + c * y, c * x - s * y};
    all.push_back(transposed ? Deflection{turned.kx, turned.ky} : turned);
  }
  return all;
}

TEST(Turn, IsFoundFromTheCurl) {
  const auto h = header();
  for (const double degrees : {0.0, 17.0, -40.0, 85.0}) {
    const auto turn = turn_of(h, gradient(h, degrees));
    ASSERT_TRUE(turn);
    EXPECT_NEAR(turn->degrees, degrees, 0.5); // slopes over a step are no derivatives
    EXPECT_FALSE(turn->transposed);
    EXPECT_LT(turn->curl, 0.01);
    EXPECT_EQ(turn->is_other(), degrees != 0);
  }
}

TEST(Turn, OfTransposedPatternsIsFoundToo) {
  const auto h = header();
  const auto turn = turn_of(h, gradient(h, 0, true));
  ASSERT_TRUE(turn);
  EXPECT_TRUE(turn->transposed && turn->is_other());
  EXPECT_NEAR(turn->degrees, 0, 0.5);
  EXPECT_GT(turn->curl_as_is, 10 * turn->curl);
}

TEST(Turn, IsToldByScatteredPositionsWithoutThoseThatAreLeftOut) {
  auto h = header();
  h.scattered = true;
  h.scan = {1, 156};
  for (std::size_t i = 0; i < h.positions_A.size(); ++i) {
    h.positions_A[i].y += 0.2 * std::sin(5.0 * static_cast<double>(i));
    h.positions_A[i].x += 0.2 * std::cos(3.0 * static_cast<double>(i));
  }
  auto field = gradient(h, 17);
  h.patterns_used.assign(field.size(), 1);
  for (std::size_t i = 7; i < field.size(); i += 20) {
    h.patterns_used[i] = 0;
    field[i] = {100, -100};
  }
  const auto turn = turn_of(h, field);
  ASSERT_TRUE(turn);
  EXPECT_NEAR(turn->degrees, 17, 2);
  EXPECT_TRUE(turn->is_clear());
}

TEST(Turn, IsNotToldByNoiseNorByALine) {
  auto h = header();
  std::vector<Deflection> noise;
  for (std::size_t i = 0; i < h.positions_A.size(); ++i)
    noise.push_back({std::sin(7.3 * static_cast<double>(i * i)), std::cos(5.1 * static_cast<double>(i * i))});
  const auto turn = turn_of(h, noise);
  ASSERT_TRUE(turn);
  EXPECT_FALSE(turn->is_clear());
  for (auto& p : h.positions_A) p.y = 5;
  EXPECT_FALSE(turn_of(h, noise));
}

/// A disk of this angle whose middle lies at (2, -3) pixels.
std::vector<float> disk(const DatasetHeader& h, double semiangle_mrad) {
  std::vector<float> amplitudes;
  for (int i = 0; i < h.detector.y; ++i)
    for (int j = 0; j < h.detector.x; ++j) {
      const double ky = ((i + 32 - 2) % 64 - 32) / 16.0, kx = ((j + 24 + 3) % 48 - 24) / 14.4;
      amplitudes.push_back(std::hypot(ky, kx) * 25.0793 < semiangle_mrad ? 0.1F : 0.001F);
    }
  return amplitudes;
}

TEST(Disk, HasItsAngleAndItsCentre) {
  auto h = header();
  const auto amplitudes = disk(h, 23);
  std::vector<double> mean;
  for (const float a : amplitudes) mean.push_back(static_cast<double>(a) * static_cast<double>(a));
  const auto found = disk_of(mean, h);
  ASSERT_TRUE(found);
  EXPECT_NEAR(found->semiangle_mrad, 23, 0.5); // a part of a pixel, which has 1.6 mrad
  EXPECT_NEAR(found->centre.ky, 2 / 16.0, 0.01);
  EXPECT_NEAR(found->centre.kx, -3 / 14.4, 0.01);
  const auto off = deflection_of(amplitudes, h);
  EXPECT_NEAR(off.ky, found->centre.ky, 0.01);
  EXPECT_NEAR(off.kx, found->centre.kx, 0.01);
  h.pixels_used.assign(mean.size(), 0);
  EXPECT_FALSE(disk_of(mean, h)) << "nothing of it is seen";
}

} // namespace
} // namespace ptychoscale::test
