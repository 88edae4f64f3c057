#include "mpi_test.hpp"
#include "ptychoscale/base/error.hpp"
#include "ptychoscale/comm/exchange.hpp"
#include "random_tiling.hpp"
#include "tile_field.hpp"

#include <chrono>
#include <cmath>
#include <random>
#include <string>
#include <thread>

namespace ptychoscale {
namespace {
using test::random_tiling;
using test::RandomTiling;
using test::TileField;
using test::whole_number;

constexpr int slices = 7;
constexpr std::size_t one_slice_a_chunk = 1;
constexpr std::size_t all_at_once = std::size_t{32} << 20;
// Wide enough to reach past several neighbours; messages beyond what MPI sends eagerly.
constexpr RandomTiling wide{.least_core = 8, .most_core = 40, .least_halo = 20, .most_halo = 100};
// Half the narrowest core at most: direct neighbours only.
constexpr RandomTiling narrow{.least_core = 20, .most_core = 60, .least_halo = 1, .most_halo = 10};

struct GradientExchangeTest : test::MpiTest {
  std::unique_ptr<Backend> backend =
      make_backend({.kind = "cpu", .threads = 1, .planning = Planning::estimate});
  PhaseTimer timer;
  std::mt19937 random{2022}; // the same on every rank

  [[nodiscard]] const Tile& own(const Tiling& tiling) const { return tiling.tiles[comm.rank()]; }
  std::unique_ptr<GradientExchange> make(ExchangeKind kind, const Tiling& tiling, std::size_t buffer_bytes) {
    return make_exchange(plan_exchange({kind, buffer_bytes}, tiling, slices), comm, *backend, tiling, timer);
  }
  auto own_values(int round) const {
    return [rank = comm.rank(), round](int s, int y, int x) { return whole_number(rank, round, s, y, x); };
  }
  static auto dense_sum(const Tiling& tiling, int round) {
    return [&tiling, round](int s, int y, int x) {
      float total = 0;
      for (const Tile& t : tiling.tiles)
        if (t.extended.contains({y, y + 1, x, x + 1})) total += whole_number(t.rank, round, s, y, x);
      return total;
    };
  }
  void expect_dense_sum(ExchangeKind kind, const Tiling& tiling, std::size_t buffer_bytes) {
    TileField field(*backend, own(tiling), slices);
    const auto exchange = make(kind, tiling, buffer_bytes);
    field.set(own_values(0));
    exchange->start(field.volume());
    exchange->finish();
    EXPECT_EQ(field.differing(dense_sum(tiling, 0)), 0u)
        << name(kind) << ", mesh " << tiling.mesh.rows << " x " << tiling.mesh.columns << ", halo "
        << tiling.halo.y << " x " << tiling.halo.x << ", buffer " << buffer_bytes;
  }
};

TEST_F(GradientExchangeTest, PassesAndAllreduceAreTheDenseSumWhateverTheHalo) {
  for (const Mesh mesh : test::meshes(comm.size()))
    for (const auto& bounds : {wide, narrow, RandomTiling{.least_core = 5}}) {
      const Tiling tiling = random_tiling(random, mesh, bounds);
      for (const auto kind : {ExchangeKind::appp, ExchangeKind::passes, ExchangeKind::allreduce})
        for (const auto bytes : {one_slice_a_chunk, all_at_once}) expect_dense_sum(kind, tiling, bytes);
    }
}

TEST_F(GradientExchangeTest, NeighboursAreTheDenseSumWhereOverlapsReachDirectNeighboursOnly) {
  for (const Mesh mesh : test::meshes(comm.size())) {
    const Tiling tiling = random_tiling(random, mesh, narrow);
    for (const auto bytes : {one_slice_a_chunk, all_at_once})
      expect_dense_sum(ExchangeKind::neighbours, tiling, bytes);
  }
}

TEST_F(GradientExchangeTest, RoundsFollowEachOtherWhileSendsAreUnderWay) {
  for (const Mesh mesh : test::meshes(comm.size())) {
    const Tiling tiling = random_tiling(random, mesh, narrow);
    for (const auto kind :
         {ExchangeKind::appp, ExchangeKind::passes, ExchangeKind::neighbours, ExchangeKind::allreduce}) {
      TileField field(*backend, own(tiling), slices);
      const auto exchange = make(kind, tiling, one_slice_a_chunk);
      for (int round = 0; round < 3; ++round) {
        exchange->progress();
        field.set(own_values(round));
        exchange->start(field.volume());
        for (int i = 0; i < 5 * comm.rank(); ++i) exchange->progress();
        exchange->finish();
        EXPECT_EQ(field.differing(dense_sum(tiling, round)), 0u) << name(kind) << ", round " << round;
      }
    }
  }
}

// Values whose float sum depends on the order; ranks start at different times, so that messages arrive
// differently.
TEST_F(GradientExchangeTest, RepeatedExchangesGiveTheSameBits) {
  const Tiling tiling =
      random_tiling(random, test::meshes(comm.size())[test::meshes(comm.size()).size() / 2], narrow);
  const auto fraction = [&](int s, int y, int x) { return std::sin(whole_number(comm.rank(), 0, s, y, x)); };
  for (const auto kind :
       {ExchangeKind::appp, ExchangeKind::passes, ExchangeKind::neighbours, ExchangeKind::allreduce}) {
    std::vector<float> first;
    for (int trial = 0; trial < 4; ++trial) {
      TileField field(*backend, own(tiling), slices);
      const auto exchange = make(kind, tiling, one_slice_a_chunk);
      field.set(fraction);
      std::this_thread::sleep_for(std::chrono::milliseconds((comm.rank() * 5 + trial * 3) % 7));
      exchange->start(field.volume());
      exchange->finish();
      if (trial == 0) first = field.read();
      EXPECT_EQ(field.read(), first) << name(kind) << ", trial " << trial;
    }
  }
}

// A rank's horizontal pass may not wait for other columns: the last column starts only after the first has
// told it that its horizontal messages are on their way. An exchange with a barrier would hang here, and time
// out.
TEST_F(GradientExchangeTest, HorizontalPassStartsWhileOtherColumnsHaveNotBegun) {
  const Communicator signals = Communicator::world();
  for (const Mesh mesh : test::meshes(comm.size())) {
    if (mesh.rows < 2 || mesh.columns < 2) continue;
    const Tiling tiling = random_tiling(random, mesh, narrow);
    TileField field(*backend, own(tiling), slices);
    const auto exchange = make(ExchangeKind::appp, tiling, all_at_once);
    field.set(own_values(0));
    const int row = mesh.row_of(comm.rank());
    const int column = mesh.column_of(comm.rank());
    std::vector<float> go(1);
    if (column == mesh.columns - 1) signals.receive(go, mesh.rank_at(row, 0));
    exchange->start(field.volume());
    if (column == 0) {
      const auto schedule = pass_schedule(tiling, comm.rank());
      const auto first_three_passes =
          schedule[0].send.size() + schedule[1].send.size() + schedule[2].send.size();
      while (exchange->traffic().messages < static_cast<std::int64_t>(first_three_passes))
        exchange->progress();
      signals.send(go, mesh.rank_at(row, mesh.columns - 1));
    }
    exchange->finish();
    EXPECT_EQ(field.differing(dense_sum(tiling, 0)), 0u);
  }
}

TEST_F(GradientExchangeTest, TrafficIsWhatTheScheduleSays) {
  for (const Mesh mesh : test::meshes(comm.size())) {
    const Tiling tiling = random_tiling(random, mesh, wide);
    std::int64_t messages = 0;
    std::int64_t pixels = 0;
    const auto schedule = pass_schedule(tiling, comm.rank());
    for (const PassStep& step : schedule)
      for (const Transfer& t : step.send) {
        ++messages;
        pixels += static_cast<std::int64_t>(t.box.extent().area());
      }
    for (const auto kind : {ExchangeKind::appp, ExchangeKind::passes}) {
      TileField field(*backend, own(tiling), slices);
      const auto exchange = make(kind, tiling, one_slice_a_chunk);
      for (int round = 1; round <= 2; ++round) {
        exchange->start(field.volume());
        exchange->finish();
        EXPECT_EQ(exchange->traffic().messages, round * slices * messages) << name(kind);
        EXPECT_EQ(exchange->traffic().bytes, round * slices * pixels * 4) << name(kind);
      }
    }
  }
}

TEST_F(GradientExchangeTest, BuffersStayWithinTheirBudget) {
  const auto in_use = [] {
    return memory_meter().read().now[static_cast<std::size_t>(MemoryLabel::exchange)];
  };
  for (const Mesh mesh : test::meshes(comm.size())) {
    const Tiling tiling = random_tiling(random, mesh, narrow);
    // Two slices of the whole volume, each sent and received up to four times: more than any kind needs to
    // hold.
    const std::size_t budget = 2 * 4 * tiling.volume.area() * sizeof(float);
    for (const auto kind :
         {ExchangeKind::appp, ExchangeKind::passes, ExchangeKind::neighbours, ExchangeKind::allreduce}) {
      const auto exchange = make(kind, tiling, budget);
      EXPECT_LE(in_use(), static_cast<std::int64_t>(budget)) << name(kind);
    }
    EXPECT_EQ(in_use(), 0);
  }
}

TEST_F(GradientExchangeTest, OneRankSendsNothing) {
  if (comm.size() > 1) return;
  const Tiling tiling = random_tiling(random, {1, 1}, wide);
  for (const auto kind :
       {ExchangeKind::appp, ExchangeKind::passes, ExchangeKind::neighbours, ExchangeKind::allreduce}) {
    expect_dense_sum(kind, tiling, one_slice_a_chunk);
    EXPECT_EQ(make(kind, tiling, all_at_once)->traffic().messages, 0);
    EXPECT_EQ(memory_meter().read().now[static_cast<std::size_t>(MemoryLabel::exchange)], 0);
  }
}

TEST(ExchangeNames, RoundTripAndRejectOthers) {
  for (const auto kind :
       {ExchangeKind::appp, ExchangeKind::passes, ExchangeKind::neighbours, ExchangeKind::allreduce})
    EXPECT_EQ(exchange_kind(name(kind)), kind);
  EXPECT_THROW((void)exchange_kind("pass"), InputError);
}

} // namespace
} // namespace ptychoscale
