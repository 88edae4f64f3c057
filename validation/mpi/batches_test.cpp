// Positions computed together, and patterns read while others are computed, change no bit.
#include "ptychoscale/base/error.hpp"
#include "reconstruction_on_ranks.hpp"

#include <algorithm>
#include <string>
#include <vector>

namespace ptychoscale::test {
namespace {

TEST_F(ReconstructionOnRanks, StreamedMeasurementsGiveTheSameBits) {
  ReconstructionOptions options{.method = Method::gd, .iterations = 2};
  const auto resident = run(comm, dataset, options);
  options.stream_measurements = true;
  EXPECT_EQ(run(comm, dataset, options).tile, resident.tile);
}

TEST_F(ReconstructionOnRanks, PositionsAtOnceChangeNoBitOfTheVolume) {
  // The gradients of a batch's positions are added in their order, so only the sum of losses may differ,
  // which is made in fp64 of terms that are alike.
  std::vector<ReconstructionOptions> all;
  for (const int rounds : {1, 4}) all.push_back({.rounds = rounds});
  all.push_back({.halo_A = full_halo_A, .grid = GridKind::tile});
  all.push_back({.adjoint = Adjoint::checkpoint, .bandwidth = Bandwidth::two_thirds});
  if (comm.size() == 1) all.push_back({.method = Method::serial});
  for (auto& options : all) {
    options.iterations = 2;
    options.update = UpdateRule::batch;
    options.positions_at_once = 1;
    options.stream_measurements = false;
    const auto one = run(comm, dataset, options);
    for (const int at_once : {2, 3, 100}) // 3 and 4 rounds: parts that it does not divide; 100: all of a part
      for (const bool stream : {false, true}) {
        options.positions_at_once = at_once;
        options.stream_measurements = stream;
        const auto many = run(comm, dataset, options);
        const auto what = std::string(name(options.method)) + ", " + std::to_string(options.rounds) +
                          " rounds, " + std::to_string(at_once) + " at once" + (stream ? ", streamed" : "");
        EXPECT_EQ(many.tile, one.tile) << what;
        for (std::size_t i = 0; i < one.result.cost.size(); ++i)
          EXPECT_NEAR(many.result.cost[i] / one.result.cost[i], 1, 1e-12) << what;
        EXPECT_NEAR(many.result.vacuum_cost / one.result.vacuum_cost, 1, 1e-12) << what;
      }
  }
}

TEST_F(ReconstructionOnRanks, PositionsAtOnceTakeTheirWavesAndNoMoreThanARoundHas) {
  ReconstructionOptions options{.iterations = 1, .update = UpdateRule::batch, .rounds = 4, .step = 1};
  const auto waves_of = [&](int at_once) {
    options.positions_at_once = at_once;
    memory_meter().forget_peaks();
    const auto r = run(comm, dataset, options);
    std::vector<std::int64_t> waves;
    for (const auto& rank : r.result.ranks)
      waves.push_back(rank.peak_bytes[static_cast<std::size_t>(MemoryLabel::waves)]);
    return waves;
  };
  const auto plan = plan_reconstruction(dataset.header(), options, comm.size());
  const auto wave = static_cast<std::int64_t>(dataset.header().detector.area() * sizeof(Complex));
  const auto one = waves_of(1);
  for (const int at_once : {3, 100}) {
    const auto many = waves_of(at_once);
    for (std::size_t rank = 0; rank < one.size(); ++rank) {
      const auto fullest_round = (static_cast<int>(plan.tiling.tiles[rank].own.size()) + 3) / 4;
      // Each further position: its wave and its adjoint.
      EXPECT_EQ(many[rank] - one[rank], (std::min(at_once, fullest_round) - 1) * 2 * wave) << at_once;
    }
  }
}

TEST_F(ReconstructionOnRanks, StreamedBatchesReadEveryPatternOnceAndInOrder) {
  for (const int at_once : {1, 3}) {
    const ReconstructionOptions options{.iterations = 2,
                                        .update = UpdateRule::batch,
                                        .rounds = 2,
                                        .step = 1e-3,
                                        .stream_measurements = true,
                                        .positions_at_once = at_once};
    std::vector<int> read;
    const Acquisition noted{dataset.header(), [&](int position, std::span<float> amplitudes) {
                              read.push_back(position);
                              dataset.read_amplitudes(position, amplitudes);
                            }};
    const auto backend = make_backend({"cpu", 1, Planning::estimate});
    const auto plan = plan_reconstruction(dataset.header(), options, comm.size());
    (void)reconstruct(comm, *backend, noted, plan, options, {});
    const auto& own = plan.tiling.tiles[static_cast<std::size_t>(comm.rank())].own;
    const auto first_batch = std::min(static_cast<std::size_t>(at_once), own.size() / 2);
    ASSERT_EQ(read.size(), 2 * own.size() + first_batch); // the first batch is read ahead once more
    for (std::size_t i = 0; i < read.size(); ++i) EXPECT_EQ(read[i], own[i % own.size()]) << i;
  }
}

TEST_F(ReconstructionOnRanks, PositionsAtOnceNeedAMethodThatDoesNotStepInBetween) {
  const auto plan = [&](const ReconstructionOptions& options) {
    (void)plan_reconstruction(dataset.header(), options, 1);
  };
  using enum UpdateRule;
  EXPECT_NO_THROW(plan({.method = Method::gd, .update = batch, .positions_at_once = 2}));
  EXPECT_NO_THROW(plan({.method = Method::serial, .update = batch, .positions_at_once = 2}));
  EXPECT_NO_THROW(plan({.method = Method::gd, .update = accelerated, .positions_at_once = 2}));
  EXPECT_THROW(plan({.method = Method::gd, .update = averaged, .positions_at_once = 2}), InputError);
  EXPECT_THROW(plan({.method = Method::gd, .update = accelerated, .rounds = 2}), InputError);
  EXPECT_THROW(plan({.method = Method::gd, .update = accelerated, .rounds = 0}), InputError);
  EXPECT_THROW(plan({.method = Method::gd, .update = batch, .positions_at_once = 0}), InputError);
  EXPECT_THROW(plan({.method = Method::gd, .update = once, .positions_at_once = 2}), InputError);
  EXPECT_THROW(plan({.method = Method::gd, .update = as_printed, .positions_at_once = 2}), InputError);
  EXPECT_THROW(plan({.method = Method::serial, .update = once, .positions_at_once = 2}), InputError);
  EXPECT_THROW(plan({.method = Method::hve, .update = batch, .positions_at_once = 2}), InputError);
}

} // namespace
} // namespace ptychoscale::test
