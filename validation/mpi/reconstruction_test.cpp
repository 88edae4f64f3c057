// The solvers on real ranks against the serial one, on a small simulated specimen.
#include "ptychoscale/base/error.hpp"
#include "reconstruction_on_ranks.hpp"

#include <string>
#include <vector>

namespace ptychoscale::test {
namespace {

TEST_F(ReconstructionOnRanks, BatchWithFullHaloEqualsSerialOnEveryMeshAndExchange) {
  ReconstructionOptions options{.method = Method::serial, .iterations = 5, .update = UpdateRule::batch};
  const auto serial = run(Communicator::self(), dataset, options);
  options.method = Method::gd;
  options.halo_A = full_halo_A;
  for (const auto mesh : meshes(comm.size()))
    for (const auto exchange : {ExchangeKind::appp, ExchangeKind::passes, ExchangeKind::allreduce}) {
      options.mesh = mesh;
      options.exchange = exchange;
      const auto parallel = run(comm, dataset, options);
      // fp32 sums in another order.
      EXPECT_LT(difference(comm, dataset.header(), parallel, serial), 1e-5)
          << mesh.rows << "x" << mesh.columns << " " << name(exchange);
      EXPECT_NEAR(parallel.result.cost.back() / serial.result.cost.back(), 1, 1e-5);
    }
}

TEST_F(ReconstructionOnRanks, ReplicatedIsSerialDescentHoweverPositionsAreDealt) {
  ReconstructionOptions options{.method = Method::serial, .iterations = 5, .update = UpdateRule::batch};
  const auto serial = run(Communicator::self(), dataset, options);
  options.method = Method::replicated;
  const auto parallel = run(comm, dataset, options);
  EXPECT_EQ(parallel.tile.size(), serial.tile.size());
  EXPECT_LT(difference(comm, dataset.header(), parallel, serial), 1e-5); // fp32 sums in another order
  EXPECT_NEAR(parallel.result.cost.back() / serial.result.cost.back(), 1, 1e-5);
}

TEST_F(ReconstructionOnRanks, AcceleratedTakesTheSameIterationsOnEveryMesh) {
  ReconstructionOptions options{
      .method = Method::serial, .iterations = 12, .update = UpdateRule::accelerated};
  const auto serial = run(Communicator::self(), dataset, options);
  options.method = Method::gd;
  options.halo_A = full_halo_A;
  for (const auto mesh : meshes(comm.size())) {
    options.mesh = mesh;
    const auto parallel = run(comm, dataset, options);
    EXPECT_EQ(parallel.result.step, serial.result.step);
    // fp32 sums in another order, carried on by the momentum.
    EXPECT_LT(difference(comm, dataset.header(), parallel, serial), 1e-4) << mesh.rows << "x" << mesh.columns;
    EXPECT_NEAR(parallel.result.cost.back() / serial.result.cost.back(), 1, 1e-3);
  }
  options.update = UpdateRule::batch;
  const auto plain = run(comm, dataset, options);
  EXPECT_LT(serial.result.cost.back(), 0.5 * plain.result.cost.back());
}

TEST_F(ReconstructionOnRanks, AveragedKeepsTheSerialStepWhateverTheMesh) {
  // So dense that all ranks see nearly all of the specimen, and plain sums of this step diverge.
  const auto h = small_header();
  const auto dense = header_of({.detector = h.detector,
                                .pixel = h.pixel,
                                .slices = h.slices,
                                .slice_thickness_A = h.slice_thickness_A,
                                .volume = h.volume,
                                .scan = {6, 6},
                                .scan_step_A = {0.8, 0.8},
                                .first_A = {12.3, 12.1},
                                .C10_A = h.C10_A});
  const DatasetOnDisk file(comm, dense);
  const DatasetReader data(file.file());
  const auto serial = run(Communicator::self(), data, {.method = Method::serial, .iterations = 8});
  for (const auto mesh : meshes(comm.size()))
    for (const int rounds : {1, 2, 0}) {
      const auto r = run(comm, data,
                         {.method = Method::gd,
                          .iterations = 8,
                          .update = UpdateRule::averaged,
                          .rounds = rounds,
                          .mesh = mesh,
                          .halo_A = full_halo_A});
      EXPECT_EQ(r.result.step, serial.result.step);
      // Within 4 % of one rank that did it all.
      EXPECT_LT(r.result.cost.back(), 1.2 * serial.result.cost.back())
          << mesh.rows << "x" << mesh.columns << ", rounds " << rounds;
    }
}

TEST_F(ReconstructionOnRanks, SameRunTwiceGivesTheSameBits) {
  for (const auto method : {Method::gd, Method::hve}) {
    if (method == Method::hve && comm.size() == hve_impossible) continue;
    const ReconstructionOptions options{.method = method, .iterations = 2, .rounds = 2};
    const auto first = run(comm, dataset, options);
    const auto second = run(comm, dataset, options);
    EXPECT_EQ(first.tile, second.tile) << name(method);
    EXPECT_EQ(first.result.cost, second.result.cost) << name(method);
  }
}

TEST_F(ReconstructionOnRanks, OnceWithOneExchangeStaysCloseToTheSerialCost) {
  // With the whole window in the halo: what a halo of the bare circle cuts off is the case's affair, not the
  // algorithm's.
  ReconstructionOptions options{
      .method = Method::gd, .iterations = 10, .update = UpdateRule::once, .halo_A = full_halo_A};
  const auto parallel = run(comm, dataset, options);
  options.step = parallel.result.step;
  options.method = Method::serial;
  const auto serial = run(Communicator::self(), dataset, options);
  EXPECT_NEAR(parallel.result.cost.back() / serial.result.cost.back(), 1, 0.2);
}

TEST_F(ReconstructionOnRanks, EveryRuleAndFillLowersTheCost) {
  using enum UpdateRule;
  for (const auto update : {as_printed, once, averaged, batch, accelerated})
    for (const int rounds : {1, 3, 0}) {
      if (update == accelerated && rounds != 1) continue;
      if (update != once && rounds == 3) continue; // between the others
      for (const auto method : {Method::gd, Method::replicated}) {
        const auto r =
            run(comm, dataset, {.method = method, .iterations = 5, .update = update, .rounds = rounds});
        EXPECT_LT(r.result.cost.back(), 0.7 * r.result.vacuum_cost)
            << name(method) << " " << name(update) << ", rounds " << rounds;
      }
    }
}

TEST_F(ReconstructionOnRanks, HaloVoxelExchangeLowersTheCostWhereItCanExist) {
  for (const auto fill : {HaloFill::paste, HaloFill::mean, HaloFill::never}) {
    if (comm.size() == hve_impossible) {
      EXPECT_THROW(run(comm, dataset, {.method = Method::hve, .halo_fill = fill}), InputError);
      continue;
    }
    const auto r = run(comm, dataset, {.method = Method::hve, .iterations = 8, .halo_fill = fill});
    EXPECT_LT(r.result.cost.back(), 0.5 * r.result.vacuum_cost) << "fill " << static_cast<int>(fill);
  }
}

TEST_F(ReconstructionOnRanks, TileGridAndKeptWavesWork) {
  ReconstructionOptions options{
      .method = Method::gd, .iterations = 2, .update = UpdateRule::batch, .halo_A = full_halo_A};
  const auto window = run(comm, dataset, options);
  options.grid = GridKind::tile;
  const auto tile = run(comm, dataset, options);
  // The data's probe tails wrap around the window and the tile's do not, so the same only to some ten per
  // cent, and the less the nearer both come to the data (1.2 seen).
  EXPECT_NEAR(tile.result.cost.back() / window.result.cost.back(), 1, 0.3);
  options.grid = GridKind::window;
  for (const auto adjoint : {Adjoint::store, Adjoint::checkpoint}) {
    options.adjoint = adjoint;
    const auto kept = run(comm, dataset, options);
    EXPECT_NEAR(kept.result.cost.back() / window.result.cost.back(), 1, 1e-5);
  }
}

TEST_F(ReconstructionOnRanks, ADivergingStepIsAnInputErrorOnAllRanksNamingTheIteration) {
  const auto good = run(comm, dataset, {.method = Method::gd, .iterations = 1});
  ReconstructionOptions options{.method = Method::gd, .iterations = 30};
  options.step = 1e3 * good.result.step;
  try {
    run(comm, dataset, options);
    ADD_FAILURE() << "did not diverge";
  } catch (const InputError& e) {
    EXPECT_NE(std::string(e.what()).find("iteration"), std::string::npos) << e.what();
  }
}

} // namespace
} // namespace ptychoscale::test
