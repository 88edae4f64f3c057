#include "ptychoscale/base/error.hpp"
#include "small_case.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace ptychoscale {
namespace {

DatasetHeader header_with_dose(double dose_e_per_A2, std::uint64_t seed = 1) {
  auto p = test::small_case();
  p.dose_e_per_A2 = dose_e_per_A2;
  p.seed = seed;
  return make_header(p);
}

std::vector<float> counts(const DatasetHeader& header, int position) {
  std::vector<float> pattern(header.detector.area(), 1.0F / static_cast<float>(header.detector.area()));
  apply_dose(header, position, pattern);
  return pattern;
}

TEST(Dose, NoDoseLeavesThePattern) {
  const auto header = header_with_dose(0);
  EXPECT_EQ(counts(header, 0), std::vector<float>(header.detector.area(), 1.0F / 7680));
}

// 1e4 e/A^2 x 6 A^2 = 6e4 electrons over 7680 pixels: whole counts whose mean and variance are both 7.8,
// within five standard deviations of each.
TEST(Dose, CountsArePoissonDistributed) {
  const auto header = header_with_dose(1e4);
  const auto pattern = counts(header, 3);
  const double n = static_cast<double>(pattern.size());
  const double expected = 6e4 / n;
  double mean = 0;
  double variance = 0;
  for (const float c : pattern) {
    EXPECT_EQ(c, std::floor(c));
    mean += c / n;
  }
  for (const float c : pattern) variance += (c - mean) * (c - mean) / n;
  EXPECT_NEAR(mean, expected, 5 * std::sqrt(expected / n));
  EXPECT_NEAR(variance, expected, 5 * std::sqrt((expected + 2 * expected * expected) / n));
}

TEST(Dose, NoiseBelongsToSeedAndPosition) {
  const auto header = header_with_dose(1e4);
  EXPECT_EQ(counts(header, 3), counts(header, 3));
  EXPECT_NE(counts(header, 3), counts(header, 4));
  EXPECT_NE(counts(header, 3), counts(header_with_dose(1e4, 2), 3));
}

TEST(Dose, RefusesBrokenPatterns) {
  const auto header = header_with_dose(1e4);
  std::vector<float> pattern(header.detector.area(), 1e-4F);
  pattern[7] = NAN;
  EXPECT_THROW(apply_dose(header, 0, pattern), RunError);
  pattern[7] = -1e-4F;
  EXPECT_THROW(apply_dose(header, 0, pattern), RunError);
  pattern.pop_back();
  EXPECT_THROW(apply_dose(header, 0, pattern), RunError);
}

} // namespace
} // namespace ptychoscale
