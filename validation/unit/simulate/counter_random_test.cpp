#include "counter_random.hpp"
#include "poisson.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace ptychoscale {
namespace {

// Known answers published with the generator (Random123, kat_vectors).
TEST(CounterRandom, PhiloxGivesTheKnownAnswers) {
  EXPECT_EQ(philox({0, 0, 0, 0}, 0),
            (std::array<std::uint32_t, 4>{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox({~0U, ~0U, ~0U, ~0U}, ~0ULL),
            (std::array<std::uint32_t, 4>{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
}

TEST(CounterRandom, UniformNumbersStayInside) {
  EXPECT_GT(uniform(0), 0);
  EXPECT_LT(uniform(~0U), 1);
  EXPECT_GT(uniform(0, 0), 0);
  EXPECT_LT(uniform(~0U, ~0U), 1);
  EXPECT_EQ(uniform(1U << 31), 0.5 + 0x1p-33);
}

TEST(CounterRandom, NormalNumbersAreBounded) {
  const double largest = normals({0, 0, 0, 0})[0];
  EXPECT_LE(largest, largest_normal);
  EXPECT_GT(largest, largest_normal - 0.01);
}

struct Moments {
  double mean = 0;
  double variance = 0;
};

Moments sample(double mean, std::uint32_t count) {
  Moments m;
  std::vector<double> values;
  for (std::uint32_t i = 0; i < count; ++i) values.push_back(poisson(mean, 5, {i, 0, 0}));
  for (const double v : values) m.mean += v / count;
  for (const double v : values) m.variance += (v - m.mean) * (v - m.mean) / count;
  return m;
}

// Mean and variance are both the mean; with n = 40000 draws they scatter by sqrt(m / n) and sqrt((m + 2 m^2)
// / n). Five of each, on both sides of the change of algorithm and where counts need many digits.
TEST(Poisson, HasItsMeanAndVariance) {
  constexpr std::uint32_t n = 40000;
  for (const double m : {0.02, 1.0, 9.9, 10.1, 40.0, 1e3, 1e6}) {
    const Moments found = sample(m, n);
    EXPECT_NEAR(found.mean, m, 5 * std::sqrt(m / n)) << m;
    EXPECT_NEAR(found.variance, m, 5 * std::sqrt((m + 2 * m * m) / n)) << m;
  }
}

// The whole distribution at a mean that each algorithm serves: Pearson's chi-square over the counts that
// expect 20 draws or more. With d degrees of freedom it has mean d and variance 2 d; five standard deviations
// are allowed.
TEST(Poisson, HasItsDistribution) {
  constexpr std::uint32_t n = 40000;
  for (const double m : {6.0, 15.0}) {
    std::vector<double> observed(100, 0.0);
    for (std::uint32_t i = 0; i < n; ++i) ++observed.at(static_cast<std::size_t>(poisson(m, 11, {i, 0, 0})));
    double chi2 = 0;
    double freedom = 0;
    for (std::size_t k = 0; k < observed.size(); ++k) {
      const double expected =
          n * std::exp(static_cast<double>(k) * std::log(m) - m - std::lgamma(static_cast<double>(k) + 1));
      if (expected < 20) continue;
      chi2 += (observed[k] - expected) * (observed[k] - expected) / expected;
      ++freedom;
    }
    EXPECT_LT(chi2, freedom + 5 * std::sqrt(2 * freedom)) << m;
  }
}

TEST(Poisson, IsZeroForZero) { EXPECT_EQ(poisson(0, 1, {0, 0, 0}), 0); }

} // namespace
} // namespace ptychoscale
