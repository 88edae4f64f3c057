// Sums that come a round late.
#include "reconstruction_on_ranks.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace ptychoscale::test {
namespace {

/// Largest difference between two volumes, relative to the first one's largest value.
float largest_difference(const std::vector<float>& a, const std::vector<float>& b) {
  float difference = 0, size = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference = std::max(difference, std::abs(a[i] - b[i]));
    size = std::max(size, std::abs(a[i]));
  }
  return difference / size;
}

TEST_F(ReconstructionOnRanks, DelayedTooIsTheSumOfAllOnceTheRunEnds) {
  // What is late is applied after the last iteration, and one round is late only of itself.
  using enum UpdateRule;
  for (const auto update : {once, averaged, batch})
    for (const auto method : {Method::gd, Method::replicated}) {
      ReconstructionOptions options{.method = method, .iterations = 1, .update = update};
      const auto at_once = run(comm, dataset, options);
      options.delay = 1;
      options.step = at_once.result.step;
      const auto late = run(comm, dataset, options);
      EXPECT_LT(largest_difference(at_once.tile, late.tile), 1e-5F)
          << name(method) << " " << name(update); // sums in another order, fp32
    }
}

TEST_F(ReconstructionOnRanks, DelayHasNothingToWaitForOnOneRank) {
  ReconstructionOptions options{.method = Method::gd, .iterations = 3, .rounds = 2, .delay = 1};
  const auto delayed = run(Communicator::self(), dataset, options);
  options.method = Method::serial;
  EXPECT_EQ(delayed.tile, run(Communicator::self(), dataset, options).tile);
}

TEST_F(ReconstructionOnRanks, DelayedLowersTheCostOverEveryExchange) {
  using enum UpdateRule;
  for (const auto update : {once, averaged, batch})
    for (const int rounds : {1, 3, 0}) {
      if (update != once && rounds == 3) continue; // between the others
      ReconstructionOptions options{.iterations = 5, .update = update, .rounds = rounds, .delay = 1};
      const auto r = run(comm, dataset, options);
      EXPECT_LT(r.result.cost.back(), 0.7 * r.result.vacuum_cost) << name(update) << ", rounds " << rounds;
      EXPECT_EQ(run(comm, dataset, options).tile, r.tile); // whenever messages arrive
      options.exchange = ExchangeKind::passes;
      EXPECT_LT(largest_difference(r.tile, run(comm, dataset, options).tile), 1e-4F); // sums in another order
    }
}

} // namespace
} // namespace ptychoscale::test
