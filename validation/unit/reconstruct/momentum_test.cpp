// Nesterov's factors of momentum.
#include "momentum.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace ptychoscale {
namespace {

/// Factors of the iterations that come after these costs, beginning with none.
std::vector<double> factors(const std::vector<double>& cost) {
  Momentum momentum;
  std::vector<double> all{momentum.factor()};
  for (std::size_t n = 1; n <= cost.size(); ++n) {
    momentum.finished(std::span(cost).first(n));
    all.push_back(momentum.factor());
  }
  return all;
}

void expect_near(const std::vector<double>& found, const std::vector<double>& expected) {
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) EXPECT_NEAR(found[i], expected[i], 1e-6) << i;
}

// t = 1, (1 + sqrt 5) / 2, ...: (t_k - 1) / t_{k+1}, to six digits.
TEST(Momentum, GrowsAsNesterovs) {
  expect_near(factors({5, 4, 3, 3}), {0, 0.281754, 0.434043, 0.531063, 0.598779});
}

TEST(Momentum, BeginsAgainWhenTheCostRises) {
  expect_near(factors({5, 4, 4.5, 4, 3}), {0, 0.281754, 0.434043, 0, 0.281754, 0.434043});
}

} // namespace
} // namespace ptychoscale
