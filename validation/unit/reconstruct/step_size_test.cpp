// The default step: what adds up before a step is made, on positions whose sums are known.
#include "positions_at_places.hpp"
#include "step_size.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace ptychoscale {
namespace {

using test::header_at;
using test::light_of;
using test::plan_of;

constexpr double overshoot = 1.7; // as step_size.hpp says, with its 0.7
constexpr double typical = 0.7;

/// `count` positions at one place.
DatasetHeader header_of_one_place(int count) {
  return header_at(std::vector<Position>(static_cast<std::size_t>(count), {12, 12}));
}

double step(const DatasetHeader& h, const ReconstructionPlan& plan, UpdateRule update = UpdateRule::once,
            Method method = Method::gd) {
  return default_step(h, {.method = method, .update = update}, plan, light_of(h));
}

double serial_step(const DatasetHeader& h, const ReconstructionPlan& plan = plan_of({{0}})) {
  return step(h, plan, UpdateRule::once, Method::serial);
}

/// The step at which `copies` parts of a sum of `positions` each correct an error 1.7 times.
double expected(int copies, int positions) {
  return std::min(1.0, -std::log1p(-overshoot / copies) / (typical * positions));
}

/// The step at which a sum of `positions` corrects 1.4 of an error at once.
double of_batch(int positions) { return 1.4 / (typical * positions); }

constexpr double rounding = 1e-5; // bisection to 2^-30; probes of one place are placed alike

TEST(DefaultStep, OfStepsAfterEveryPositionIsThatOfOneProbe) {
  const auto h = header_of_one_place(4);
  EXPECT_EQ(step(h, plan_of({{0, 1, 2, 3}})), serial_step(h));
  EXPECT_EQ(step(h, plan_of({{0, 1}, {2, 3}}), UpdateRule::once, Method::hve), serial_step(h));
}

TEST(DefaultStep, OfBatchIsOverTheSumOfAllPositionsHoweverTheyAreDealt) {
  const auto h = header_of_one_place(4);
  const double one = step(h, plan_of({{0, 1, 2, 3}}), UpdateRule::batch, Method::serial);
  EXPECT_NEAR(one / serial_step(h), of_batch(4), rounding);
  EXPECT_EQ(step(h, plan_of({{0, 1, 2, 3}}), UpdateRule::batch), one);
  EXPECT_EQ(step(h, plan_of({{0, 2}, {1, 3}}), UpdateRule::batch), one);
  EXPECT_EQ(step(h, plan_of({{3}, {1}, {0}, {2}}), UpdateRule::batch), one);
}

TEST(DefaultStep, OfOnceCountsTheRanksThatMeet) {
  const auto h = header_of_one_place(8);
  EXPECT_NEAR(step(h, plan_of({{0, 1, 2, 3}, {4, 5, 6, 7}})) / serial_step(h), expected(2, 4), rounding);
  EXPECT_NEAR(step(h, plan_of({{0, 1}, {2, 3}, {4, 5}, {6, 7}})) / serial_step(h), expected(4, 2), rounding);
  EXPECT_LT(expected(2, 4), 1);
}

TEST(DefaultStep, CountsOnlyWhatMeetsInOneRound) {
  const auto h = header_of_one_place(8);
  const auto ranks = std::vector<std::vector<int>>{{0, 1, 2, 3}, {4, 5, 6, 7}};
  EXPECT_NEAR(step(h, plan_of(ranks, 2)) / serial_step(h), expected(2, 2), rounding);
  EXPECT_EQ(step(h, plan_of(ranks, 4)), serial_step(h));
  EXPECT_NEAR(step(h, plan_of(ranks, 2), UpdateRule::batch) / serial_step(h), of_batch(4), rounding);
}

TEST(DefaultStep, AsPrintedAddsARanksOwnCorrectionOnceMore) {
  const auto h = header_of_one_place(8);
  const auto all_alone = plan_of({{0, 1, 2, 3, 4, 5, 6, 7}});
  EXPECT_NEAR(step(h, all_alone, UpdateRule::as_printed) / serial_step(h), expected(2, 8), rounding);
  EXPECT_NEAR(step(h, plan_of({{0, 1, 2, 3}, {4, 5, 6, 7}}), UpdateRule::as_printed) / serial_step(h),
              expected(3, 4), rounding);
}

TEST(DefaultStep, KeepsWhatComesLateBelowItsLimit) {
  const auto h = header_of_one_place(8);
  const auto four = plan_of({{0, 1}, {2, 3}, {4, 5}, {6, 7}});
  const auto light = light_of(h);
  const double late = -std::log1p(-overshoot / 2 / 3) / (typical * 2); // by three others
  EXPECT_NEAR(default_step(h, {.delay = 1}, four, light) / serial_step(h), late, rounding);
  EXPECT_EQ(default_step(h, {.delay = 1}, plan_of({{0, 1, 2, 3, 4, 5, 6, 7}}), light), serial_step(h));
  EXPECT_EQ(default_step(h, {.update = UpdateRule::averaged, .delay = 1}, four, light), serial_step(h));
  EXPECT_NEAR(default_step(h, {.update = UpdateRule::batch, .delay = 1}, four, light) / serial_step(h),
              overshoot / 2 / (typical * 8), rounding);
}

TEST(DefaultStep, IsTheSerialOneWhereRanksDoNotMeet) {
  auto h = header_at({{6, 6}, {6, 6}, {18, 18}, {18, 18}});
  EXPECT_EQ(step(h, plan_of({{0, 1}, {2, 3}})), serial_step(h));
  EXPECT_NEAR(step(h, plan_of({{0, 1}, {2, 3}}), UpdateRule::batch) / serial_step(h), of_batch(2), rounding);
}

/// Counted patterns, at one place.
DatasetHeader counted(int positions, double electrons_per_pattern) {
  auto h = header_of_one_place(positions);
  h.dose_e_per_A2 = electrons_per_pattern / 4; // by steps of 2 A
  h.electrons_per_pattern = electrons_per_pattern;
  return h;
}

TEST(DefaultStep, KnowsNoNoiseWithoutADose) {
  auto h = header_of_one_place(8);
  const double ideal = serial_step(h);
  h.electrons_per_pattern = 100; // a scale of counts, not a dose
  EXPECT_EQ(serial_step(h), ideal);
  EXPECT_EQ(longest_with_noise(h, {}, plan_of({{0}}), light_of(h)), std::numeric_limits<double>::infinity());
}

TEST(DefaultStep, OfCountedPatternsLeavesTheNoiseOfOneIterationAndAFiftiethOfARadian) {
  // By hand: 8 positions at one place add up to 8 times the brightest pixel m, so that
  // alpha l = 4 / 8 + m 8 N_e 0.02^2 = 0.5 + 0.0032 N_e m, and alpha_1 is alpha l = 1.
  const double m = light_of(counted(8, 1)).brightest;
  const double ideal = serial_step(header_of_one_place(8));
  const auto all = plan_of({{0, 1, 2, 3, 4, 5, 6, 7}});
  for (const double electrons_at_m : {0.01, 10.0, 100.0}) {
    const auto h = counted(8, electrons_at_m / m);
    EXPECT_NEAR(serial_step(h, all) / ideal, 0.5 + 0.0032 * electrons_at_m, 1e-5);
    EXPECT_EQ(step(h, all, UpdateRule::once), serial_step(h, all));
    EXPECT_EQ(step(h, all, UpdateRule::averaged), serial_step(h, all));
    EXPECT_EQ(step(h, all, UpdateRule::once, Method::hve), serial_step(h, all));
  }
  EXPECT_EQ(serial_step(counted(8, 1000 / m), all), ideal);
}

TEST(DefaultStep, OfCountedPatternsIsHalfWhereStepsAreMadeTwice) {
  const auto h = counted(8, 1e-3);
  const auto every_round = plan_of({{0, 1, 2, 3, 4, 5, 6, 7}}, 8);
  EXPECT_NEAR(step(h, every_round, UpdateRule::as_printed) / step(h, every_round, UpdateRule::once), 0.5,
              rounding);
}

TEST(DefaultStep, OfCountedPatternsCountsAllRoundsOfAnIteration) {
  const auto h = counted(8, 1e-3);
  const double one_round = serial_step(h, plan_of({{0, 1, 2, 3, 4, 5, 6, 7}}));
  EXPECT_NEAR(serial_step(h, plan_of({{0, 1, 2, 3}, {4, 5, 6, 7}}, 4)) / one_round, 1, rounding);
}

TEST(DefaultStep, NeverGrowsWhileTheDoseFalls) {
  const auto plan = plan_of({{0, 1, 2, 3}, {4, 5, 6, 7}}, 2);
  for (const auto rule : {UpdateRule::as_printed, UpdateRule::once, UpdateRule::averaged, UpdateRule::batch,
                          UpdateRule::accelerated}) {
    double before = step(header_of_one_place(8), plan, rule);
    for (double electrons = 1e7; electrons > 1e-3; electrons /= 3) {
      const double now = step(counted(8, electrons), plan, rule);
      EXPECT_LE(now, before) << name(rule) << ", " << electrons;
      EXPECT_GT(now, 0);
      before = now;
    }
  }
}

TEST(DefaultStep, OfStepsOnWholeSumsIsShortEnoughForNoise) {
  const auto plan = plan_of({{0, 1, 2, 3}, {4, 5, 6, 7}});
  for (const auto rule : {UpdateRule::batch, UpdateRule::accelerated})
    EXPECT_EQ(step(counted(8, 1e-3), plan, rule), step(header_of_one_place(8), plan, rule)) << name(rule);
}

} // namespace
} // namespace ptychoscale
