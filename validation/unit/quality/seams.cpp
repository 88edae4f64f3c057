#include "ptychoscale/quality/seams.hpp"

#include "ptychoscale/base/error.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

namespace ptychoscale {
namespace {

// Four rows and four columns of tiles on a lattice of 19.52 px (3.904 A at 0.2 A), two slices.
constexpr Extent extent{224, 240};
constexpr Box region{10, 214, 12, 228};
constexpr int slices = 2;
constexpr double sigma = 7.288e-4; // rad / (V A) at 200 kV
constexpr int halo = 14;           // pixels over which tiles overlap on each side of a border
const TileBorders uniform_borders{{61, 112, 163}, {66, 120, 174}};

using Error = std::vector<std::vector<float>>; ///< [slice][y * x]

double noise_free_potential(double y, double x) {
  const double period = 19.52;
  const double distance_y = y - period * std::round(y / period),
               distance_x = x - period * std::round(x / period);
  return 400 * std::exp(-(distance_y * distance_y + distance_x * distance_x) / 18);
}

float& pixel(std::vector<float>& image, int y, int x) {
  return image[static_cast<std::size_t>(y * extent.x + x)];
}

/// What a converging solver leaves: a smooth background, atoms 3 % too weak, noise.
Error sound_error(unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<double> noise(0, 2.0);
  std::uniform_real_distribution<double> phase(0, 6.28);
  Error error;
  for (int s = 0; s < slices; ++s) {
    const double py = phase(random), px = phase(random);
    std::vector<float>& image = error.emplace_back(extent.area());
    for (int y = 0; y < extent.y; ++y)
      for (int x = 0; x < extent.x; ++x)
        pixel(image, y, x) = static_cast<float>(15 * std::sin(0.021 * y + py) * std::sin(0.017 * x + px) +
                                                -0.03 * noise_free_potential(y, x) + noise(random));
  }
  return error;
}

/// Adds `planted(y, x, d)` to every slice, d = x - border, for the pixels nearest to each column border.
template <class Function> Error plant_at_columns(Error error, Function planted) {
  for (std::vector<float>& image : error)
    for (int y = 0; y < extent.y; ++y)
      for (int x = 0; x < extent.x; ++x)
        for (const int b : uniform_borders.columns)
          if (std::abs(x - b) < 27) pixel(image, y, x) += static_cast<float>(planted(y, x, x - b));
  return error;
}

/// Adds `height` to every second column of tiles and takes it from the others.
Error plant_stairs(Error error, double height) {
  for (std::vector<float>& image : error)
    for (int y = 0; y < extent.y; ++y)
      for (int x = 0; x < extent.x; ++x) {
        const auto tile = std::ranges::count_if(uniform_borders.columns, [&](int b) { return b <= x; });
        pixel(image, y, x) += static_cast<float>(tile % 2 == 0 ? height : -height);
      }
  return error;
}

SeamMetrics measure(const Error& error, const TileBorders& borders = uniform_borders) {
  return measure_seams(
      [&](int s, std::span<float> out) {
        std::ranges::copy(error[static_cast<std::size_t>(s)], out.begin());
      },
      slices, extent, sigma, borders, region);
}

/// What another order of summation, or of the steps, leaves of difference between two sound runs on the same
/// data.
Error repeated(Error error) {
  std::mt19937 random(1000);
  std::normal_distribution<double> noise(0, 0.3);
  for (std::vector<float>& image : error)
    for (float& v : image) v += static_cast<float>(noise(random));
  return error;
}

/// Judges what was planted in `sound_error(seed)` against the control.
SeamVerdict judge(const Error& error, unsigned seed, const TileBorders& borders = uniform_borders) {
  const SeamMetrics control = measure(repeated(sound_error(seed)), borders);
  return judge_seams(measure(error, borders), &control, Pairing::steps);
}

TEST(Seams, AreNotSeenWhereThereAreNone) {
  for (unsigned seed = 0; seed < 20; ++seed) {
    const SeamVerdict verdict = judge(sound_error(seed), seed);
    EXPECT_FALSE(verdict.z) << "seed " << seed;
    EXPECT_FALSE(verdict.step) << "seed " << seed;
    EXPECT_FALSE(verdict.comb) << "seed " << seed;
    EXPECT_FALSE(verdict.excess) << "seed " << seed;
  }
}

TEST(Seams, AreNotSeenWhereTheTilesMatchTheLattice) {
  // Atoms at every border: the error is as periodic as the tiles, but not because of them. Columns 39 px
  // apart, two lattice periods.
  const TileBorders commensurate{{61, 112, 163}, {59, 98, 137, 176}};
  for (unsigned seed = 0; seed < 10; ++seed)
    EXPECT_FALSE(judge(sound_error(seed), seed, commensurate).any()) << "seed " << seed;
}

TEST(Seams, ShowAStepAtTheBorders) {
  const Error error = plant_stairs(sound_error(1), 1.5); // steps of 3 V A, 1.5 times the noise
  const SeamVerdict verdict = judge(error, 1);
  EXPECT_TRUE(verdict.z);
  EXPECT_TRUE(verdict.step);
  const SeamMetrics metrics = measure(error);
  // one slice; the planted 3 V A less what the background steps mid-tile, up to 15 V A * 0.017 / px * 8 px =
  // 2 V A
  EXPECT_GT(metrics.columns.slices[0].step_V_A.value(), 1.0);
  EXPECT_LT(metrics.columns.slices[0].step_V_A.value(), 3.5);
  EXPECT_DOUBLE_EQ(*metrics.columns.slices[0].step_rad, sigma * *metrics.columns.slices[0].step_V_A);
  EXPECT_LT(metrics.rows.summed.z.value(), seam_z_limit); // the other axis stays quiet
}

TEST(Seams, ShowAHaloShiftedByAPixel) {
  // Behind each border the neighbour's share of the atoms, a half, arrives a pixel too far right.
  const Error error = plant_at_columns(sound_error(2), [](int y, int x, int d) {
    return d >= 0 && d < halo ? 0.5 * (noise_free_potential(y, x - 1) - noise_free_potential(y, x)) : 0.0;
  });
  EXPECT_TRUE(judge(error, 2).z);
}

TEST(Seams, ShowAPassLeftOut) {
  // Behind each border the neighbour's contributions are missing: the atoms are too weak by a share that
  // fades into the tile.
  const Error error = plant_at_columns(sound_error(3), [](int y, int x, int d) {
    return d >= 0 && d < halo ? -0.3 * (1 - static_cast<double>(d) / halo) * noise_free_potential(y, x) : 0.0;
  });
  const SeamVerdict verdict = judge(error, 3);
  EXPECT_TRUE(verdict.z);
  EXPECT_TRUE(verdict.step);
  EXPECT_TRUE(verdict.excess);
}

TEST(Seams, ShowAKinkInTheSlope) {
  // A crease of 4 V A per pixel along the borders, as where tiles are blended without their slopes.
  const Error error =
      plant_at_columns(sound_error(4), [](int, int, int d) { return 4.0 * std::max(0, 5 - std::abs(d)); });
  EXPECT_TRUE(judge(error, 4).z);
}

TEST(Seams, ShowSharpBordersInTheCombPower) {
  const Error error = plant_stairs(sound_error(5), 10);
  EXPECT_TRUE(judge(error, 5).comb);
  EXPECT_GT(measure(error).columns.summed.comb_power.value(), 0.8);
}

TEST(Seams, ShowAtomsThatLagBesideABorderOnlyInTheExcess) {
  // All atoms 9 % too weak instead of 3 % beside one border and fading over the halo: no jump anywhere, only
  // more of the lattice that a solver leaves anyway.
  const Error control = sound_error(9);
  Error error = control;
  for (std::vector<float>& image : error)
    for (int y = 0; y < extent.y; ++y)
      for (int x = 0; x < extent.x; ++x) {
        const double lag = 0.06 * std::exp(-std::pow((x - uniform_borders.columns[1]) / 12.0, 2));
        pixel(image, y, x) -= static_cast<float>(lag * noise_free_potential(y, x));
      }
  const SeamMetrics run = measure(error), reference = measure(control);
  const SeamVerdict verdict = judge_seams(run, &reference, Pairing::steps);
  EXPECT_TRUE(verdict.excess);
  EXPECT_FALSE(judge_seams(run, &reference).any()); // the control may have taken other steps
  EXPECT_FALSE(verdict.z || verdict.step || verdict.comb);
  EXPECT_EQ(run.columns.strips_V_A.size(), 3U * 2U * 4U); // borders, sides, segments
  EXPECT_EQ(border_excess(reference.columns, reference.columns), 0.0);
}

TEST(Seams, OfRowsAreTheSeamsOfColumnsTransposed) {
  const Error error = plant_stairs(sound_error(6), 2);
  const SeamMetrics metrics = measure(error);
  const Extent turned{extent.x, extent.y};
  const SeamMetrics swapped = measure_seams(
      [&](int s, std::span<float> out) {
        for (int y = 0; y < extent.y; ++y)
          for (int x = 0; x < extent.x; ++x)
            out[static_cast<std::size_t>(x * extent.y + y)] =
                error[static_cast<std::size_t>(s)][static_cast<std::size_t>(y * extent.x + x)];
      },
      slices, turned, sigma, {uniform_borders.columns, uniform_borders.rows},
      {region.x0, region.x1, region.y0, region.y1});
  EXPECT_EQ(metrics.columns.summed.z, swapped.rows.summed.z);
  EXPECT_EQ(metrics.columns.summed.step_V_A, swapped.rows.summed.step_V_A);
  EXPECT_EQ(metrics.rows.summed.comb_power, swapped.columns.summed.comb_power);
}

TEST(Seams, CombPowerAppliesToUniformTilesOnly) {
  const Error error = sound_error(7);
  EXPECT_TRUE(measure(error).columns.summed.comb_power);
  EXPECT_FALSE(measure(error, {{}, {60, 110, 170}}).columns.summed.comb_power); // periods of 50 and 60
  EXPECT_FALSE(measure(error, {{}, {120}}).columns.summed.comb_power);          // one border has no period
}

TEST(Seams, DoNotApplyWithoutBordersInTheRegion) {
  const SeamMetrics metrics = measure(sound_error(8), {{5}, {236}}); // outside the illuminated region
  for (const BorderSeams& seams : {metrics.rows.summed, metrics.columns.summed}) {
    EXPECT_FALSE(seams.z);
    EXPECT_FALSE(seams.step_V_A);
    EXPECT_FALSE(seams.step_z);
    EXPECT_FALSE(seams.comb_power);
  }
  EXPECT_FALSE(border_excess(metrics.columns, metrics.columns));
  EXPECT_FALSE(judge_seams(metrics, &metrics).any());
}

TEST(Seams, DoNotApplyToAPerfectReconstruction) {
  const SeamMetrics metrics = measure(Error(slices, std::vector<float>(extent.area())));
  EXPECT_FALSE(metrics.columns.summed.z);
  EXPECT_FALSE(metrics.columns.summed.step_z);
  EXPECT_FALSE(judge_seams(metrics, &metrics).any());
}

TEST(Seams, DoNotApplyToARegionOfOneColumn) {
  const auto line =
      measure_seams([](int, std::span<float>) {}, 1, {32, 32}, sigma, {{16}, {}}, {0, 32, 7, 8});
  EXPECT_FALSE(line.rows.summed.z || line.rows.summed.step_z || judge_seams(line, nullptr).any());
}

TEST(Seams, RefuseARegionOutsideTheVolume) {
  EXPECT_THROW((void)measure_seams([](int, std::span<float>) {}, 1, {32, 32}, sigma, {}, {0, 33, 0, 32}),
               InputError);
}

TEST(InteriorBorders, AreTheCoresFirstPixelsButTheVolumesOwn) {
  const std::vector<Box> cores{{0, 10, 0, 7}, {0, 10, 7, 20}, {10, 16, 0, 7}, {10, 16, 7, 20}};
  const TileBorders borders = interior_borders(cores);
  EXPECT_EQ(borders.rows, std::vector<int>{10});
  EXPECT_EQ(borders.columns, std::vector<int>{7});
  EXPECT_TRUE(interior_borders(std::vector<Box>{{0, 10, 0, 7}}).columns.empty());
}

} // namespace
} // namespace ptychoscale
