// The exchanges as plain data, run on one process over random tilings. Values are small integers, so that
// float sums are exact in any order and every comparison is equality.
#include "ptychoscale/geometry/exchange_plan.hpp"
#include "random_tiling.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace ptychoscale {
namespace {
using test::random_tiling;

using Field = std::vector<float>; // one tile's extended box, [y][x]

float& at(const Tiling& tiling, int rank, Field& field, int y, int x) {
  const Box& box = tiling.tiles[static_cast<std::size_t>(rank)].extended;
  return field[static_cast<std::size_t>((y - box.y0) * (box.x1 - box.x0) + x - box.x0)];
}

template <class Act> void for_each_pixel(const Box& box, Act act) {
  for (int y = box.y0; y < box.y1; ++y)
    for (int x = box.x0; x < box.x1; ++x) act(y, x);
}

std::vector<Field> random_fields(std::mt19937& random, const Tiling& tiling) {
  std::uniform_int_distribution value{-999, 999};
  std::vector<Field> fields;
  for (const Tile& tile : tiling.tiles) {
    Field field(tile.extended.extent().area());
    std::ranges::generate(field, [&] { return static_cast<float>(value(random)); });
    fields.push_back(std::move(field));
  }
  return fields;
}

std::vector<Field> dense_sum(const Tiling& tiling, std::vector<Field> fields) {
  Field total(tiling.volume.area(), 0.0f);
  const auto global = [&](int y, int x) -> float& {
    return total[static_cast<std::size_t>(y * tiling.volume.x + x)];
  };
  for (const Tile& t : tiling.tiles)
    for_each_pixel(t.extended,
                   [&](int y, int x) { global(y, x) += at(tiling, t.rank, fields[t.rank], y, x); });
  for (const Tile& t : tiling.tiles)
    for_each_pixel(t.extended,
                   [&](int y, int x) { at(tiling, t.rank, fields[t.rank], y, x) = global(y, x); });
  return fields;
}

// Runs one step on all ranks in the order their messages impose: ranks that receive nothing first.
void run_step(const Tiling& tiling, std::vector<Field>& fields, std::size_t step, bool ascending) {
  for (int i = 0; i < tiling.mesh.ranks(); ++i) {
    const int rank = ascending ? i : tiling.mesh.ranks() - 1 - i;
    const PassStep own = pass_schedule(tiling, rank)[step];
    for (const Transfer& send : own.send) {
      const PassStep peer = pass_schedule(tiling, send.peer)[step];
      ASSERT_EQ(peer.receive.size(), 1u);
      ASSERT_EQ(peer.receive[0].peer, rank);
      ASSERT_EQ(peer.receive[0].box, send.box);
      for_each_pixel(send.box, [&](int y, int x) {
        float& target = at(tiling, send.peer, fields[static_cast<std::size_t>(send.peer)], y, x);
        const float value = at(tiling, rank, fields[static_cast<std::size_t>(rank)], y, x);
        target = peer.merge == Merge::add ? target + value : value;
      });
    }
  }
}

TEST(PassSchedule, IsTheDenseSumOnRandomTilings) {
  std::mt19937 random(7);
  for (int trial = 0; trial < 300; ++trial) {
    std::uniform_int_distribution side{1, 6};
    const Tiling tiling = random_tiling(random, {side(random), side(random)}, {.most_halo = 30});
    auto fields = random_fields(random, tiling);
    const auto expected = dense_sum(tiling, fields);
    for (std::size_t step = 0; step < 4; ++step) run_step(tiling, fields, step, step % 2 == 0);
    ASSERT_EQ(fields, expected) << "trial " << trial;
  }
}

TEST(PassSchedule, WithoutTheBackwardPassIsNotTheSum) {
  std::mt19937 random(8);
  const Tiling tiling = random_tiling(random, {4, 1}, {.least_halo = 1, .most_halo = 30});
  auto fields = random_fields(random, tiling);
  const auto expected = dense_sum(tiling, fields);
  run_step(tiling, fields, 0, true);
  EXPECT_NE(fields, expected);
}

TEST(NeighbourTransfers, AreTheDenseSumWhereOverlapsReachDirectNeighboursOnly) {
  std::mt19937 random(9);
  for (int trial = 0; trial < 200; ++trial) {
    std::uniform_int_distribution side{1, 4};
    // Half a core of halo cannot reach past the direct neighbour.
    const Tiling tiling = random_tiling(random, {side(random), side(random)},
                                        {.least_core = 6, .most_core = 9, .most_halo = 3});
    const auto fields = random_fields(random, tiling);
    auto summed = fields;
    for (const Tile& t : tiling.tiles)
      for (const Transfer& from : neighbour_transfers(tiling, t.rank)) {
        auto source = fields[static_cast<std::size_t>(from.peer)];
        for_each_pixel(from.box, [&](int y, int x) {
          at(tiling, t.rank, summed[static_cast<std::size_t>(t.rank)], y, x) +=
              at(tiling, from.peer, source, y, x);
        });
      }
    ASSERT_EQ(summed, dense_sum(tiling, fields)) << "trial " << trial;
  }
}

TEST(PasteTransfers, FillEveryHaloVoxelOnceFromItsCore) {
  std::mt19937 random(10);
  for (int trial = 0; trial < 100; ++trial) {
    const Tiling tiling = random_tiling(random, {3, 4}, {.most_halo = 12});
    for (const Tile& tile : tiling.tiles) {
      Field filled(tile.extended.extent().area(), 0.0f);
      for_each_pixel(tile.core, [&](int y, int x) { at(tiling, tile.rank, filled, y, x) += 1; });
      const PasteTransfers transfers = paste_transfers(tiling, tile.rank);
      for (const Transfer& from : transfers.receive) {
        const auto sends = paste_transfers(tiling, from.peer).send;
        const auto match = [&](const Transfer& s) { return s.peer == tile.rank && s.box == from.box; };
        ASSERT_EQ(std::ranges::count_if(sends, match), 1);
        ASSERT_TRUE(tiling.tiles[static_cast<std::size_t>(from.peer)].core.contains(from.box));
        for_each_pixel(from.box, [&](int y, int x) { at(tiling, tile.rank, filled, y, x) += 1; });
      }
      ASSERT_TRUE(std::ranges::all_of(filled, [](float n) { return n == 1; }));
    }
  }
}

TEST(OverlapMultiplicity, IsTheDenseSumOfOnes) {
  std::mt19937 random(11);
  const Tiling tiling = random_tiling(random, {3, 5}, {.most_halo = 20});
  auto ones = random_fields(random, tiling);
  for (auto& field : ones) std::ranges::fill(field, 1.0f);
  const auto expected = dense_sum(tiling, ones);
  for (const Tile& tile : tiling.tiles)
    EXPECT_EQ(overlap_multiplicity(tiling, tile.rank), expected[static_cast<std::size_t>(tile.rank)]);
}

} // namespace
} // namespace ptychoscale
