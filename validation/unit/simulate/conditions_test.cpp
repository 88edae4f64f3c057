// What an experiment was like, beside what is told of it.
#include "ptychoscale/base/error.hpp"
#include "ptychoscale/simulate/conditions.hpp"
#include "small_case.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

namespace ptychoscale {
using test::small_case;

namespace {

TEST(Conditions, IdealOnesChangeNothing) {
  const auto p = small_case();
  const auto header = make_header(p);
  EXPECT_EQ(actual_probe(p), header.probe);
  const auto at = actual_position(p, 3, {1.5, 2.5});
  EXPECT_EQ(at.y, 1.5);
  EXPECT_EQ(at.x, 2.5);
  ASSERT_EQ(source_points(p.conditions).size(), 1U);
  EXPECT_EQ(source_points(p.conditions)[0].weight, 1);
  EXPECT_EQ(header.specimen_json.find("conditions"), std::string::npos);
}

TEST(Conditions, AreKeptBesideWhatSolversAreTold) {
  auto p = small_case();
  const auto told = make_header(p);
  p.conditions = {.C10_error_A = 5, .position_jitter_A = 0.1, .source_size_A = 0.2, .detector_blur_px = 0.5};
  const auto header = make_header(p);
  EXPECT_EQ(header.probe, told.probe);
  EXPECT_EQ(header.C10_A, told.C10_A);
  EXPECT_NE(header.specimen_json.find("\"C10_error_A\":5.0"), std::string::npos) << header.specimen_json;
}

TEST(Conditions, AnotherDefocusTurnsThePhasesOfTheProbeOnly) {
  auto p = small_case();
  const auto told = make_header(p).probe;
  p.conditions.C10_error_A = 20;
  const auto actual = actual_probe(p);
  double turned = 0;
  for (std::size_t k = 0; k < told.size(); ++k) {
    EXPECT_NEAR(std::abs(actual[k]), std::abs(told[k]), 1e-6); // float
    turned = std::max<double>(turned, std::abs(actual[k] - told[k]));
  }
  EXPECT_GT(turned, 1e-3);
}

TEST(Conditions, PositionsDeviateNormallyAndBySeed) {
  auto p = small_case();
  p.conditions.position_jitter_A = 0.3;
  constexpr int count = 4000;
  double sum = 0, squares = 0;
  for (int i = 0; i < count; ++i) {
    const auto at = actual_position(p, i, {10, 20});
    sum += at.y - 10 + at.x - 20;
    squares += std::pow(at.y - 10, 2) + std::pow(at.x - 20, 2);
  }
  EXPECT_NEAR(sum / (2 * count), 0, 5 * 0.3 / std::sqrt(2.0 * count)); // five standard errors
  EXPECT_NEAR(squares / (2 * count), 0.09, 5 * 0.09 * std::sqrt(2.0 / (2 * count)));
  auto other = p;
  other.seed = p.seed + 1;
  EXPECT_NE(actual_position(p, 0, {}).y, actual_position(other, 0, {}).y);
}

TEST(Conditions, SourcePointsHaveTheMomentsOfANormalDistribution) {
  constexpr double sigma = 0.4;
  const auto points = source_points({.source_size_A = sigma});
  const auto moment = [&](int power) {
    double sum = 0;
    for (const auto& point : points) sum += point.weight * std::pow(point.offset_A.y, power);
    return sum;
  };
  EXPECT_NEAR(moment(0), 1, 1e-12);
  EXPECT_NEAR(moment(2), sigma * sigma, 1e-12);
  EXPECT_NEAR(moment(4), 3 * std::pow(sigma, 4), 1e-12);
}

TEST(Conditions, BlurSpreadsAPixelAsWideAsAskedForAndLosesNothing) {
  constexpr Extent extent{24, 30};
  constexpr double sigma = 1.3;
  std::vector<float> pattern(extent.area());
  pattern[0] = 1; // the centre; borders meet
  blur(pattern, extent, sigma);
  EXPECT_NEAR(std::accumulate(pattern.begin(), pattern.end(), 0.0), 1, 1e-6);
  double variance = 0;
  for (int y = 0; y < extent.y; ++y)
    for (int x = 0; x < extent.x; ++x) {
      const int from_centre = y < extent.y / 2 ? y : y - extent.y;
      variance += 1.0 * from_centre * from_centre * pattern[static_cast<std::size_t>(y * extent.x + x)];
    }
  EXPECT_NEAR(variance, sigma * sigma, 1e-3);
}

TEST(Conditions, OutOfRangeAreNamed) {
  auto p = small_case();
  p.conditions.position_jitter_A = -1;
  try {
    check(p);
    FAIL();
  } catch (const InputError& e) {
    EXPECT_NE(std::string(e.what()).find("conditions.position_jitter_A"), std::string::npos) << e.what();
  }
}

} // namespace
} // namespace ptychoscale
