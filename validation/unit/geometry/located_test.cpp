// Scans that are no rasters: tiles own positions by where they lie.
#include "ptychoscale/base/error.hpp"
#include "ptychoscale/geometry/exchange_plan.hpp"
#include "ptychoscale/geometry/tiling.hpp"
#include "scan.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <random>
#include <string>

namespace ptychoscale {
namespace {

constexpr Extent volume{260, 300};
constexpr PixelSize pixel{0.25, 0.2};
constexpr double radius_A = 3;
constexpr PixelSize step{1.6, 1.5};
constexpr Position middle{volume.y * pixel.y / 2, volume.x* pixel.x / 2};

/// A scan by its name in a failure.
struct Scan {
  std::string name;
  std::vector<Position> positions;
  ScanShape shape;
  bool scattered = true;
};

Scan random_scan() {
  std::mt19937 random(7);
  std::uniform_real_distribution<double> y(4, volume.y * pixel.y - 4), x(4, volume.x * pixel.x - 4);
  Scan scan{"random", {}, {1, 700}};
  for (int i = 0; i < 700; ++i) scan.positions.push_back({y(random), x(random)});
  return scan;
}

Scan spiral() {
  Scan scan{"spiral", {}, {500, 1}};
  for (int i = 0; i < 500; ++i) { // Fermat's, of equal density
    const double r = 1.1 * std::sqrt(i), angle = i * std::numbers::pi * (3 - std::sqrt(5.0));
    scan.positions.push_back({middle.y + r * std::sin(angle), middle.x + r * std::cos(angle)});
  }
  return scan;
}

/// A raster, turned by 17 degrees and shaken, that does not say that it is none.
Scan rotated() {
  Scan scan{"rotated", test::centred_raster({22, 25}, step, volume, pixel), {22, 25}, false};
  std::mt19937 random(3);
  std::uniform_real_distribution<double> jitter(-0.3, 0.3);
  const double c = std::cos(17 * std::numbers::pi / 180), s = std::sin(17 * std::numbers::pi / 180);
  for (auto& p : scan.positions) {
    const double y = p.y - middle.y, x = p.x - middle.x;
    p = {middle.y + c * y + s * x + jitter(random), middle.x - s * y + c * x + jitter(random)};
  }
  return scan;
}

struct Located : testing::TestWithParam<int> {
  Scan scan = GetParam() == 0 ? random_scan() : GetParam() == 1 ? spiral() : rotated();

  [[nodiscard]] TilingRequest request(Mesh mesh,
                                      Decomposition decomposition = Decomposition::gradient) const {
    TilingRequest r;
    r.decomposition = decomposition;
    r.volume = volume;
    r.pixel = pixel;
    r.scan = scan.shape;
    r.scattered = scan.scattered;
    r.scan_step_A = step;
    r.positions = scan.positions;
    r.circle_radius_A = radius_A;
    r.mesh = mesh;
    r.ranks = mesh.ranks();
    return r;
  }
  /// Pixels that the circle around a position touches, clipped to the volume.
  [[nodiscard]] Box circle(int position) const {
    const auto [y, x] = scan.positions[static_cast<std::size_t>(position)];
    const auto first = [](double at, double px) { return int(std::floor((at - radius_A) / px + 0.5)); };
    const auto last = [](double at, double px) { return int(std::ceil((at + radius_A) / px + 0.5)); };
    return intersect({first(y, pixel.y), last(y, pixel.y), first(x, pixel.x), last(x, pixel.x)},
                     {0, volume.y, 0, volume.x});
  }
  [[nodiscard]] bool lies_in(const Box& box, int position) const {
    const auto [y, x] = scan.positions[static_cast<std::size_t>(position)];
    const int py = int(std::lround(y / pixel.y)), px = int(std::lround(x / pixel.x));
    return box.contains({py, py + 1, px, px + 1});
  }
};

constexpr std::array meshes{Mesh{1, 1}, Mesh{1, 2}, Mesh{2, 2}, Mesh{3, 2}, Mesh{3, 3}, Mesh{5, 6}};

TEST_P(Located, EveryPositionIsOwnedOnceAndItsCircleIsHeld) {
  for (const Mesh mesh : meshes) {
    std::vector<int> owned(scan.positions.size()), covered(volume.area());
    const auto tiling = plan_tiling(request(mesh));
    for (const auto& tile : tiling.tiles) {
      EXPECT_TRUE(std::ranges::is_sorted(tile.own));
      EXPECT_TRUE(tile.extra.empty());
      for (const int p : tile.own) {
        ++owned[static_cast<std::size_t>(p)];
        EXPECT_TRUE(lies_in(tile.core, p)) << scan.name << ", position " << p;
        EXPECT_TRUE(tile.extended.contains(circle(p))) << scan.name << ", position " << p;
      }
      for (int y = tile.core.y0; y < tile.core.y1; ++y)
        for (int x = tile.core.x0; x < tile.core.x1; ++x)
          ++covered[static_cast<std::size_t>(y) * volume.x + static_cast<std::size_t>(x)];
    }
    EXPECT_TRUE(std::ranges::all_of(owned, [](int n) { return n == 1; })) << scan.name;
    EXPECT_TRUE(std::ranges::all_of(covered, [](int n) { return n == 1; })) << scan.name;
  }
}

TEST_P(Located, HalosAreThoseOfTheCirclesAtTheBordersAndNotOfWholeScanLines) {
  const auto tiling = plan_tiling(request({3, 3}));
  EXPECT_LE(tiling.halo.y, std::ceil(radius_A / pixel.y) + 1) << scan.name;
  EXPECT_LE(tiling.halo.x, std::ceil(radius_A / pixel.x) + 1) << scan.name;
}

TEST_P(Located, MeshRowsAndColumnsHaveEquallyManyPositions) {
  for (const Mesh mesh : meshes) {
    std::vector<std::size_t> rows(static_cast<std::size_t>(mesh.rows)),
        columns(static_cast<std::size_t>(mesh.columns));
    for (const auto& tile : plan_tiling(request(mesh)).tiles) {
      rows[static_cast<std::size_t>(mesh.row_of(tile.rank))] += tile.own.size();
      columns[static_cast<std::size_t>(mesh.column_of(tile.rank))] += tile.own.size();
    }
    // Positions on one pixel along an axis cannot be parted: a few at these densities.
    EXPECT_LE(std::ranges::max(rows) - std::ranges::min(rows), 12U) << scan.name;
    EXPECT_LE(std::ranges::max(columns) - std::ranges::min(columns), 12U) << scan.name;
  }
}

TEST_P(Located, TilesOfHaloVoxelExchangeRepeatWhatLiesWithinAStep) {
  const auto tiling = plan_tiling(request({2, 2}, Decomposition::halo_voxel));
  for (const auto& tile : tiling.tiles) {
    const Box near = grow_clipped(tile.core, int(std::lround(step.y / pixel.y)) - 1,
                                  int(std::lround(step.x / pixel.x)) - 1, {0, volume.y, 0, volume.x});
    const Box far = grow_clipped(tile.core, int(std::lround(step.y / pixel.y)) + 1,
                                 int(std::lround(step.x / pixel.x)) + 1, {0, volume.y, 0, volume.x});
    EXPECT_FALSE(tile.extra.empty());
    for (int p = 0; p < static_cast<int>(scan.positions.size()); ++p) {
      const bool own = std::ranges::binary_search(tile.own, p),
                 extra = std::ranges::binary_search(tile.extra, p);
      EXPECT_EQ(own, lies_in(tile.core, p));
      EXPECT_FALSE(own && extra);
      EXPECT_TRUE(extra || own || !lies_in(near, p)) << scan.name << ", position " << p;
      EXPECT_TRUE(!extra || lies_in(far, p)) << scan.name << ", position " << p;
      EXPECT_TRUE(!extra || tile.extended.contains(circle(p))) << scan.name << ", position " << p;
    }
  }
}

TEST_P(Located, WhatIsLeftOutIsOwnedByNobody) {
  std::vector<std::uint8_t> used(scan.positions.size(), 1);
  for (std::size_t i = 0; i < used.size(); i += 5) used[i] = 0;
  for (const auto decomposition : {Decomposition::gradient, Decomposition::halo_voxel, Decomposition::none}) {
    auto r = request({2, 2}, decomposition);
    r.used = used;
    if (decomposition == Decomposition::none) r.mesh.reset();
    std::vector<std::uint8_t> owned(used.size());
    for (const auto& tile : plan_tiling(r).tiles) {
      for (const int p : tile.own) owned[static_cast<std::size_t>(p)] = 1;
      for (const int p : tile.extra) EXPECT_NE(used[static_cast<std::size_t>(p)], 0);
    }
    EXPECT_EQ(owned, used) << scan.name;
  }
}

TEST_P(Located, TilesAreProductsOfIntervalsWhoseEndsAscendAsThePassesNeed) {
  const auto tiling = plan_tiling(request({3, 3}));
  for (int rank = 0; rank < 9; ++rank)
    for (int other = rank + 1; other < 9; ++other) {
      const auto& a = tiling.tiles[static_cast<std::size_t>(rank)];
      const auto& b = tiling.tiles[static_cast<std::size_t>(other)];
      if (tiling.mesh.row_of(rank) == tiling.mesh.row_of(other)) {
        EXPECT_EQ(a.extended.y0, b.extended.y0);
      } else {
        EXPECT_LE(a.extended.y0, b.extended.y0);
        EXPECT_LE(a.extended.y1, b.extended.y1);
      }
    }
}

INSTANTIATE_TEST_SUITE_P(Scans, Located, testing::Values(0, 1, 2));

TilingRequest on(const std::vector<Position>& positions) {
  TilingRequest r;
  r.volume = volume;
  r.pixel = pixel;
  r.scan = {1, static_cast<int>(positions.size())};
  r.scattered = true;
  r.scan_step_A = step;
  r.positions = positions;
  r.circle_radius_A = radius_A;
  return r;
}

std::string error_of(const TilingRequest& request) {
  try {
    (void)plan_tiling(request);
  } catch (const InputError& e) {
    return e.what();
  }
  return "no error";
}

TEST(LocatedErrors, ATileWithoutPositionsIsNamedWithAMeshThatHasNone) {
  std::vector<Position> diagonal; // two clusters, so that 2 x 2 leaves two tiles without any
  for (int i = 0; i < 20; ++i) {
    diagonal.push_back({10 + 0.3 * i, 10 + 0.3 * i});
    diagonal.push_back({40 + 0.3 * i, 40 + 0.3 * i});
  }
  auto r = on(diagonal);
  r.ranks = 4;
  r.mesh = Mesh{2, 2};
  const auto message = error_of(r);
  EXPECT_NE(message.find("mesh: 2 x 2 leaves tile 1 without positions; 4 x 1 would not"), std::string::npos)
      << message;
  r.mesh.reset();
  EXPECT_EQ(plan_tiling(r).mesh, (Mesh{4, 1})) << "which is what is chosen";
}

TEST(LocatedErrors, MoreRanksThanCanOwnSome) {
  const std::vector<Position> few{{10, 10}, {12, 10}, {14, 10}};
  auto r = on(few);
  r.ranks = 4;
  EXPECT_NE(error_of(r).find("nearest smaller number that can is 3"), std::string::npos) << error_of(r);
}

TEST(LocatedErrors, HaloVoxelCoresThatAreTooNarrow) {
  auto scan = random_scan();
  auto r = on(scan.positions);
  r.decomposition = Decomposition::halo_voxel;
  r.ranks = 30;
  r.mesh = Mesh{30, 1};
  EXPECT_NE(error_of(r).find("must fill a halo"), std::string::npos) << error_of(r);
}

TEST(LocatedRasters, ThatSayTheyAreScatteredAreCutWhereRastersAre) {
  const auto raster = test::centred_raster({12, 12}, step, volume, pixel);
  auto r = on(raster);
  r.ranks = 4;
  r.mesh = Mesh{2, 2};
  const auto located = plan_tiling(r);
  r.scattered = false;
  r.scan = {12, 12};
  const auto by_lines = plan_tiling(r);
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(located.tiles[i].own, by_lines.tiles[i].own);
    EXPECT_NEAR(located.tiles[i].core.y1, by_lines.tiles[i].core.y1, 1);
    EXPECT_NEAR(located.tiles[i].core.x1, by_lines.tiles[i].core.x1, 1);
  }
}

} // namespace
} // namespace ptychoscale
