// Steps that differ from voxel to voxel, on positions whose sums are known.
#include "positions_at_places.hpp"
#include "step_size.hpp"
#include "step_weights.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace ptychoscale {
namespace {

using test::header_at;
using test::light_of;
using test::plan_of;

constexpr Box all{0, 100, 0, 100};
constexpr double typical = 0.7; // as step_size.hpp says
constexpr float rounding = 1e-5F;

std::vector<float> weights(const DatasetHeader& h, const ReconstructionPlan& plan, UpdateRule update,
                           Box box = all) {
  const ReconstructionOptions options{.method = Method::gd, .update = update};
  const auto light = light_of(h);
  return step_weights(h, options, plan, light,
                      {default_step(h, options, plan, light), brightest_of_scan(h, plan, light)}, box);
}

float at(const std::vector<float>& map, int y, int x, Box box = all) {
  return map[static_cast<std::size_t>((y - box.y0) * box.extent().x + x - box.x0)];
}

TEST(AveragedSteps, AreThoseOfOneRankWhereOnlyOneReaches) {
  const auto h = header_at({{5, 5}, {5, 5}, {18, 18}, {18, 18}});
  const auto apart = weights(h, plan_of({{0, 1}, {2, 3}}), UpdateRule::averaged);
  EXPECT_EQ(*std::ranges::min_element(apart), 1);
  const auto alone = weights(h, plan_of({{0, 1, 2, 3}}), UpdateRule::averaged);
  EXPECT_EQ(*std::ranges::min_element(alone), 1);
}

TEST(AveragedSteps, CorrectTheWholeErrorWhereRanksMeet) {
  const auto h = header_at(std::vector<Position>(8, {12, 12})); // pixel (48, 48)
  const auto two = weights(h, plan_of({{0, 1, 2, 3}, {4, 5, 6, 7}}), UpdateRule::averaged);
  // Each rank's four steps of one probe's 1 / l correct 1 - exp(-0.7 * 4).
  EXPECT_NEAR(at(two, 48, 48), 1 / (2 * -std::expm1(-typical * 4)), rounding);
  EXPECT_EQ(at(two, 0, 0), 1);
  auto rounds = weights(h, plan_of({{0, 1, 2, 3}, {4, 5, 6, 7}}, 2), UpdateRule::averaged);
  EXPECT_NEAR(at(rounds, 48, 48), 1 / (2 * -std::expm1(-typical * 2)), rounding);
}

TEST(AveragedSteps, AreAlikeOnRanksThatShareVoxels) {
  const auto h = header_at({{10, 10}, {12, 12}, {13, 14}, {14, 15}});
  const auto plan = plan_of({{0, 1}, {2, 3}});
  const Box part{30, 70, 35, 80};
  const auto whole = weights(h, plan, UpdateRule::averaged);
  const auto seen = weights(h, plan, UpdateRule::averaged, part);
  for (int y = part.y0; y < part.y1; ++y)
    for (int x = part.x0; x < part.x1; ++x)
      ASSERT_EQ(at(seen, y, x, part), at(whole, y, x)) << y << ", " << x;
}

TEST(AcceleratedSteps, AreLongerWhereThereIsLessLight) {
  // Three probes at one place, and one elsewhere.
  const auto h = header_at({{6, 6}, {6, 6}, {6, 6}, {18, 18}});
  const auto w = weights(h, plan_of({{0, 1}, {2, 3}}), UpdateRule::accelerated);
  EXPECT_NEAR(at(w, 24, 24), 1, rounding);
  EXPECT_NEAR(at(w, 72, 72), 3, 3 * rounding);
  EXPECT_EQ(at(w, 99, 0), 10); // in the dark, as far as steps are made longer
  EXPECT_EQ(*std::ranges::max_element(w), 10);
}

TEST(AcceleratedSteps, DoNotDependOnWhoHasWhichPosition) {
  const auto h = header_at({{10, 10}, {12, 12}, {13, 14}, {14, 15}});
  EXPECT_EQ(weights(h, plan_of({{0, 1}, {2, 3}}), UpdateRule::accelerated),
            weights(h, plan_of({{0, 1, 2, 3}}), UpdateRule::accelerated));
}

} // namespace
} // namespace ptychoscale
