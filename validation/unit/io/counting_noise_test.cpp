#include "ptychoscale/io/counting_noise.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace ptychoscale::test {
namespace {

/// What one pixel of this count adds, in electrons.
double left_by(double count) {
  constexpr double electrons = 1e4;
  const std::vector<float> pixel{static_cast<float>(std::sqrt(count / electrons))};
  return electrons * counting_noise(pixel, electrons);
}

/// The mean of f(X), where X is Poisson about n.
template <class F> double mean(double n, F f) {
  double sum = 0;
  for (int x = 0; x < 100 + 3 * n; ++x) sum += std::exp(x * std::log(n) - n - std::lgamma(x + 1.0)) * f(x);
  return sum;
}

/// What a perfect model leaves of a pixel.
double expected(double n) {
  return mean(n, [n](int x) { return std::pow(std::sqrt(x) - std::sqrt(n), 2); });
}

TEST(CountingNoise, HasTheMeanOfWhatAPerfectModelLeaves) {
  for (double n = 0.03; n < 300; n *= 1.2) EXPECT_NEAR(mean(n, left_by) / expected(n), 1, 0.09) << n;
  EXPECT_NEAR(expected(1e3), 0.25, 1e-3); // so that the test's own numbers are right
  for (double n = 1e-5; n < 0.03; n *= 2) {
    const double ratio = mean(n, left_by) / expected(n);
    EXPECT_TRUE(ratio > 0.79 && ratio < 1) << n << ": " << ratio;
  }
}

TEST(CountingNoise, LeavesOutPixelsWithoutWeight) {
  const std::vector<float> all{0.3F, 0, 0.2F};
  EXPECT_EQ(counting_noise(std::vector{0.3F, -1.0F, 0.2F}, 100), counting_noise(all, 100));
  EXPECT_DOUBLE_EQ(counting_noise(all, 100), (left_by(9) + left_by(4)) / 100);
}

TEST(CountingNoise, RoundsCountsThatTheRootMadeInexact) {
  for (const double count : {1, 2, 3, 4, 1000})
    EXPECT_NEAR(left_by(count), left_by(count + 1e-4), 1e-6) << count;
}

} // namespace
} // namespace ptychoscale::test
