#include "ptychoscale/base/error.hpp"
#include "ptychoscale/geometry/tiling.hpp"
#include "scan.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <string>

namespace ptychoscale {
namespace {

// 7 x 9 positions, unequal pixels and steps, every circle inside the volume.
struct TilingTest : testing::Test {
  TilingRequest request;
  std::vector<Position> positions;

  TilingTest() {
    request.volume = {140, 130};
    request.pixel = {0.2, 0.25};
    request.scan = {7, 9};
    request.circle_radius_A = 4;
    positions = test::centred_raster(request.scan, {3.1, 2.7}, request.volume, request.pixel);
    request.positions = positions;
  }

  Tiling plan(Mesh mesh) {
    request.mesh = mesh;
    request.ranks = mesh.ranks();
    return plan_tiling(request);
  }
  std::string error(const std::function<void()>& act) {
    try {
      act();
    } catch (const InputError& e) {
      return e.what();
    }
    return "no error";
  }
  // Pixels that the circle around a position touches; pixel k covers [k - 1/2, k + 1/2).
  [[nodiscard]] Box circle(int position) const {
    const auto [y, x] = positions[static_cast<std::size_t>(position)];
    const auto first = [&](double at, double px) {
      return int(std::floor((at - request.circle_radius_A) / px + 0.5));
    };
    const auto last = [&](double at, double px) {
      return int(std::ceil((at + request.circle_radius_A) / px + 0.5));
    };
    return {first(y, request.pixel.y), last(y, request.pixel.y), first(x, request.pixel.x),
            last(x, request.pixel.x)};
  }
};

TEST_F(TilingTest, WithoutDecompositionEveryRankHasTheVolumeAndPositionsAreDealtInTurn) {
  request.decomposition = Decomposition::none;
  request.ranks = 4;
  const Tiling tiling = plan_tiling(request);
  EXPECT_EQ(tiling.mesh, (Mesh{4, 1}));
  std::vector<int> dealt;
  int row = 0;
  for (const Tile& tile : tiling.tiles) {
    EXPECT_EQ(tile.extended, (Box{0, request.volume.y, 0, request.volume.x}));
    EXPECT_EQ(tile.core, (Box{row, tile.core.y1, 0, request.volume.x}));
    row = tile.core.y1;
    for (const int i : tile.own) EXPECT_EQ(i % 4, tile.rank);
    dealt.insert(dealt.end(), tile.own.begin(), tile.own.end());
    EXPECT_TRUE(tile.extra.empty());
  }
  EXPECT_EQ(row, request.volume.y);
  std::ranges::sort(dealt);
  std::vector<int> all(positions.size());
  std::iota(all.begin(), all.end(), 0);
  EXPECT_EQ(dealt, all);
}

TEST_F(TilingTest, WithoutDecompositionThereIsNoMeshAndEveryRankNeedsAPosition) {
  request.decomposition = Decomposition::none;
  request.ranks = 64;
  EXPECT_NE(error([&] { (void)plan_tiling(request); }).find("at most 63"), std::string::npos);
  request.ranks = 4;
  request.mesh = Mesh{2, 2};
  EXPECT_NE(error([&] { (void)plan_tiling(request); }).find("mesh: 2 x 2"), std::string::npos);
}

TEST_F(TilingTest, CoresPartitionTheVolumeAndOwnPositionsTheScan) {
  for (const Mesh mesh : {Mesh{1, 1}, Mesh{2, 3}, Mesh{3, 2}, Mesh{7, 9}, Mesh{1, 5}, Mesh{6, 1}}) {
    const Tiling tiling = plan(mesh);
    std::vector<int> covered(request.volume.area(), 0);
    std::vector<int> owned(positions.size(), 0);
    for (const Tile& tile : tiling.tiles) {
      EXPECT_TRUE(tile.extended.contains(tile.core));
      EXPECT_FALSE(tile.own.empty());
      EXPECT_TRUE(tile.extra.empty()) << "GD repeats no positions";
      EXPECT_TRUE(std::is_sorted(tile.own.begin(), tile.own.end()));
      for (const int p : tile.own) ++owned[static_cast<std::size_t>(p)];
      for (int y = tile.core.y0; y < tile.core.y1; ++y)
        for (int x = tile.core.x0; x < tile.core.x1; ++x)
          ++covered[static_cast<std::size_t>(y * request.volume.x + x)];
    }
    EXPECT_TRUE(std::all_of(covered.begin(), covered.end(), [](int n) { return n == 1; }));
    EXPECT_TRUE(std::all_of(owned.begin(), owned.end(), [](int n) { return n == 1; }));
  }
}

TEST_F(TilingTest, PositionsAreDealtAsEvenlyAsCanBe) {
  const Tiling tiling = plan({3, 4}); // 7 rows in 3, 9 columns in 4: 2 or 3 lines each
  for (const Tile& tile : tiling.tiles) {
    EXPECT_GE(tile.own.size(), 4u);
    EXPECT_LE(tile.own.size(), 9u);
  }
}

TEST_F(TilingTest, BordersLieMidwayBetweenScanLines) {
  const Tiling tiling = plan({2, 1}); // rows 0-2 and 3-6
  const double midway_px = (positions[2 * 9].y + positions[3 * 9].y) / 2 / request.pixel.y;
  EXPECT_NEAR(tiling.tiles[0].core.y1 - 0.5, midway_px, 0.5);
}

TEST_F(TilingTest, GradientHaloCoversOwnCirclesAndNoPixelMore) {
  for (const Mesh mesh : {Mesh{2, 3}, Mesh{7, 9}}) {
    const Tiling tiling = plan(mesh);
    bool y_is_tight = false;
    bool x_is_tight = false;
    for (const Tile& tile : tiling.tiles)
      for (const int p : tile.own) {
        EXPECT_TRUE(tile.extended.contains(circle(p))) << "tile " << tile.rank << ", position " << p;
        y_is_tight |=
            tile.core.y0 - circle(p).y0 == tiling.halo.y || circle(p).y1 - tile.core.y1 == tiling.halo.y;
        x_is_tight |=
            tile.core.x0 - circle(p).x0 == tiling.halo.x || circle(p).x1 - tile.core.x1 == tiling.halo.x;
      }
    EXPECT_TRUE(y_is_tight && x_is_tight);
  }
}

TEST_F(TilingTest, JitteredPositionsAreCoveredToo) {
  for (std::size_t i = 0; i < positions.size(); ++i) {
    positions[i].y += 0.3 * double((i * 7) % 5) / 4;
    positions[i].x -= 0.3 * double((i * 3) % 7) / 6;
  }
  for (const Tile& tile : plan({3, 3}).tiles)
    for (const int p : tile.own) EXPECT_TRUE(tile.extended.contains(circle(p)));
}

TEST_F(TilingTest, HaloVoxelTilesRepeatTheNeighboursRowsAndCoverThem) {
  request.decomposition = Decomposition::halo_voxel;
  request.circle_radius_A = 2;
  const Tiling tiling = plan({2, 2});
  const Tile& first =
      tiling.tiles[0]; // owns 3 rows x 4 columns, repeats one row and one column and their corner
  EXPECT_EQ(first.own.size(), 12u);
  EXPECT_EQ(first.extra.size(), 8u);
  for (const Tile& tile : tiling.tiles) {
    for (const int p : tile.extra) {
      EXPECT_TRUE(tile.extended.contains(circle(p)));
      EXPECT_FALSE(std::binary_search(tile.own.begin(), tile.own.end(), p));
    }
  }
}

TEST_F(TilingTest, GivenHaloIsRoundedUpToPixels) {
  request.halo_A = 3; // 15 pixels of 0.2, 12 of 0.25
  EXPECT_EQ(plan({2, 2}).halo, (Extent{15, 12}));
  request.halo_A = 3.01;
  EXPECT_EQ(plan({2, 2}).halo, (Extent{16, 13}));
  request.halo_A = 1e12;
  EXPECT_EQ(plan({2, 2}).tiles[0].extended, (Box{0, 140, 0, 130}));
}

TEST_F(TilingTest, OneRankHoldsTheVolume) {
  const Tiling tiling = plan({1, 1});
  EXPECT_EQ(tiling.halo, (Extent{0, 0}));
  EXPECT_EQ(tiling.tiles[0].extended, (Box{0, 140, 0, 130}));
}

TEST_F(TilingTest, NarrowHaloVoxelCoreNamesTileWidthsAndARankCountThatWorks) {
  request.decomposition = Decomposition::halo_voxel;
  const std::string message = error([&] { (void)plan({7, 1}); });
  // Tiles 1 to 5 are one scan step high, 15 or 16 pixels; the halo is 4 A + 1.55 A or 28 pixels.
  EXPECT_NE(message.find("7 x 1 mesh: the core of tile 1 is 1"), std::string::npos) << message;
  EXPECT_NE(message.find("halo of 28 pixels"), std::string::npos) << message;
  const auto number = message.find_last_of(' ');
  const int largest = std::stoi(message.substr(number));
  request.mesh.reset();
  request.ranks = largest;
  EXPECT_NO_THROW((void)plan_tiling(request)) << message;
  for (int ranks = largest + 1; ranks <= 7; ++ranks) {
    request.ranks = ranks;
    EXPECT_THROW((void)plan_tiling(request), InputError) << ranks;
  }
}

TEST_F(TilingTest, MeshesThatCannotWorkAreNamed) {
  EXPECT_NE(error([&] { (void)plan({8, 1}); }).find("leaves ranks without positions"), std::string::npos);
  request.mesh = Mesh{2, 3};
  request.ranks = 4;
  EXPECT_NE(error([&] { (void)plan_tiling(request); }).find("mesh: 2 x 3 does not match the 4 ranks"),
            std::string::npos);
  request.mesh.reset();
  request.ranks = 64;
  EXPECT_NE(error([&] { (void)choose_mesh(request); }).find("nearest smaller number that can is 63"),
            std::string::npos);
  request.ranks = 11; // a prime above both scan axes
  EXPECT_NE(error([&] { (void)choose_mesh(request); }).find("nearest smaller number that can is 10"),
            std::string::npos);
}

TEST_F(TilingTest, BadScansAreNamed) {
  request.positions = std::span(positions).first(10);
  EXPECT_NE(error([&] { (void)plan({1, 1}); }).find("7 x 9 points but 10 positions"), std::string::npos);
  request.positions = positions;
  positions[5].x = 33;
  EXPECT_NE(error([&] { (void)plan({1, 1}); }).find("position 5: x = 33"), std::string::npos);
  std::ranges::fill(positions, Position{5, 5});
  EXPECT_NE(error([&] {
              (void)plan({2, 2});
            }).find("which lie on 1 pixels along y; valid: at most so many rows"),
            std::string::npos);
}

TEST(RoundPart, CutsAnyCountIntoContiguousParts) {
  for (const int count : {0, 1, 5, 12})
    for (const int rounds : {1, 3, 7, 20}) {
      int next = 0;
      for (int round = 0; round < rounds; ++round) {
        const Range part = round_part(count, round, rounds);
        EXPECT_EQ(part.first, next);
        EXPECT_LE(part.last - part.first, count / rounds + 1);
        next = part.last;
      }
      EXPECT_EQ(next, count);
    }
}

} // namespace
} // namespace ptychoscale
