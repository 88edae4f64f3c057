#include "ptychoscale/io/pattern_sums.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace ptychoscale::test {
namespace {

constexpr Extent detector{5, 37}; // odd, and no multiple of the sums' lanes

/// A scan of 4 x 5 positions, and a disc of 100 equally bright pixels.
DatasetHeader header(double dose_e_per_A2 = 0, double electrons = 1) {
  DatasetHeader h;
  h.detector = detector;
  h.scan = {4, 5};
  h.dose_e_per_A2 = dose_e_per_A2;
  h.electrons_per_pattern = electrons;
  h.probe.assign(detector.area(), {});
  for (int i = 0; i < 100; ++i) h.probe[static_cast<std::size_t>(i)] = {0.1F, 0};
  return h;
}

PatternFindings found(const DatasetHeader& h, const std::vector<PatternSum>& sums) {
  const auto limits = limits_of_patterns(h);
  PatternFindings findings;
  for (std::size_t i = 0; i < sums.size(); ++i) findings.add(static_cast<int>(i), sums[i], limits);
  return findings;
}

/// A pattern of this sum without a bright pixel.
PatternSum pattern(double sum) { return {sum, sum / 100, {}}; }

void expect_says(const std::optional<std::string>& line, const std::vector<std::string>& parts) {
  ASSERT_TRUE(line);
  for (const auto& part : parts) EXPECT_NE(line->find(part), std::string::npos) << part << "\n in: " << *line;
}

TEST(PatternSum, AddsSquaresAndFindsTheBrightestPixel) {
  std::vector<float> amplitudes(detector.area());
  double sum = 0;
  for (std::size_t i = 0; i < amplitudes.size(); ++i) {
    amplitudes[i] = 0.01F * static_cast<float>(i % 7);
    sum += static_cast<double>(amplitudes[i]) * amplitudes[i];
  }
  for (const Extent at : {Extent{0, 0}, Extent{3, 16}, Extent{4, 36}}) {
    auto& pixel = amplitudes[static_cast<std::size_t>(at.y * detector.x + at.x)];
    const float was = std::exchange(pixel, 2.0F);
    const auto found = sum_of_pattern(amplitudes, detector);
    EXPECT_NEAR(found.all, sum - static_cast<double>(was) * was + 4, 1e-6 * sum + 1e-6);
    EXPECT_EQ(found.brightest, 4);
    EXPECT_EQ(found.pixel, at);
    pixel = was;
  }
  const auto nothing = sum_of_pattern(std::vector<float>(detector.area()), detector);
  EXPECT_EQ(nothing.all, 0);
  EXPECT_EQ(nothing.brightest, 0);
}

TEST(PatternSum, LeavesOutPixelsWithoutWeight) {
  std::vector<float> amplitudes(detector.area(), 0.1F);
  for (const std::size_t hidden : {0U, 20U, 36U, 100U}) amplitudes[hidden] = no_weight;
  const auto found = sum_of_pattern(amplitudes, detector);
  EXPECT_NEAR(found.all, 0.01 * static_cast<double>(detector.area() - 4), 1e-6);
  EXPECT_NEAR(found.brightest, 0.01, 1e-6);
}

TEST(PatternFindings, WhatAMaskHidesIsNotMissed) {
  auto h = header();
  EXPECT_TRUE(complaint_of_dim(found(h, {pattern(0.3)}), h));
  h.pixels_used.assign(detector.area(), 1);
  for (std::size_t i = 0; i < 60; ++i) h.pixels_used[i] = 0; // 60 % of the disc, behind a beam stop
  EXPECT_FALSE(complaint_of_dim(found(h, {pattern(0.3)}), h));
  EXPECT_TRUE(complaint_of_dim(found(h, {pattern(0.1)}), h));
}

TEST(PatternFindings, SoundPatternsGiveNoWord) {
  const auto h = header();
  const auto f = found(h, {pattern(1), pattern(0.999), pattern(1.049), pattern(0.51)});
  EXPECT_FALSE(unusable(f, h) || complaint_of_dead(f, h) || complaint_of_dim(f, h) || complaint_of_hot(f, h));
  EXPECT_EQ(f.least, 0.51);
  EXPECT_EQ(f.most, 1.049);
}

TEST(PatternFindings, MoreElectronsThanWereSent) {
  const auto h = header();
  const auto f = found(h, {pattern(1), pattern(1), pattern(1), pattern(1), pattern(1), pattern(1), pattern(1),
                           pattern(100), pattern(1.051)});
  expect_says(unusable(f, h), {"position 7 (scan row 1, column 2)", "add up to 100 x", "at most 1.05 x",
                               "2 of 9 patterns", "electrons_per_pattern"});
}

TEST(PatternFindings, NothingAtAll) {
  const auto h = header();
  expect_says(unusable(found(h, {pattern(0), pattern(0)}), h), {"all 2 patterns are zero"});
}

TEST(PatternFindings, DeadAndDimPatternsAreCountedAndTheFirstNamed) {
  const auto h = header();
  const auto f = found(h, {pattern(1), pattern(0.02), pattern(0), pattern(1), pattern(0), pattern(0)});
  EXPECT_FALSE(unusable(f, h));
  expect_says(complaint_of_dead(f, h), {"3 of 6 patterns", "position 2 (scan row 0, column 2)"});
  expect_says(complaint_of_dim(f, h), {"1 of 6 patterns", "less than 50 %", "position 1", "2 %"});
}

TEST(PatternFindings, AHotPixelIsNamedAsTheFileStoresIt) {
  const auto h = header();
  const auto f =
      found(h, {pattern(1), {1, 0.19, {}}, {1, 0.4, {1, 2}}}); // 20 x 0.01 of the disc is the limit
  EXPECT_FALSE(unusable(f, h));
  expect_says(complaint_of_hot(f, h), {"1 of 3 patterns", "position 2", "(ky, kx) = (3, 20) holds 40 %"});
}

TEST(PatternFindings, CountingScattersByItsSquareRoot) {
  const double electrons = 1e4; // 1 % of scatter
  const auto h = header(1e3, electrons);
  EXPECT_FALSE(unusable(found(h, {pattern(1.11)}), h)) << "1.05 and 6 standard deviations";
  EXPECT_TRUE(unusable(found(h, {pattern(1.12)}), h));
  EXPECT_GT(limits_of_patterns(h, of_rough_beam).highest, 2);
  EXPECT_TRUE(complaint_of_dim(found(h, {pattern(0.45), pattern(1)}), h));
  EXPECT_FALSE(complaint_of_dim(found(h, {pattern(0.46), pattern(1)}), h))
      << "0.5 less 6 standard deviations";
}

TEST(PatternFindings, OfFewElectronsAnEmptyPatternIsChance) {
  const std::vector<PatternSum> sums{pattern(1), pattern(0), pattern(1.5)};
  EXPECT_FALSE(complaint_of_dead(found(header(1, 36), sums), header(1, 36)));
  EXPECT_TRUE(complaint_of_dead(found(header(1, 37), sums), header(1, 37)));
  EXPECT_TRUE(complaint_of_dead(found(header(0, 1), sums), header(0, 1)))
      << "without noise there is no chance";
  // Three electrons of ten in one pixel of a hundred: rare, but nothing is wrong.
  const auto few = header(1, 10);
  EXPECT_FALSE(complaint_of_hot(found(few, {{1, 0.3, {}}}), few));
}

TEST(PatternFindings, OfRanksAreThoseOfOneRank) {
  const auto h = header();
  const auto limits = limits_of_patterns(h);
  const std::vector<PatternSum> sums{pattern(1),    pattern(0.1), pattern(0),       {1, 0.5, {2, 3}},
                                     pattern(0.02), pattern(0),   {1, 0.3, {1, 1}}, pattern(2)};
  const auto whole = found(h, sums);
  std::vector<double> gathered;
  for (const int rank : {2, 0, 1}) { // 1 has nothing
    PatternFindings part;
    for (int i = 0; i < 8; ++i)
      if (rank != 1 && i % 2 == rank / 2) part.add(i, sums[static_cast<std::size_t>(i)], limits);
    const auto numbers = as_numbers(part);
    gathered.insert(gathered.end(), numbers.begin(), numbers.end());
  }
  EXPECT_EQ(as_numbers(findings_of_ranks(gathered)), as_numbers(whole));
  EXPECT_EQ(whole.patterns, 8);
}

} // namespace
} // namespace ptychoscale::test
