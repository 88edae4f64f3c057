// Every solver runs its sweeps from recordings. Memory given back between two visits would make them void,
// and a GPU would launch each sweep kernel by kernel, with the same results, only slower.
#include "mpi_test.hpp"
#include "ptychoscale/reconstruct/reconstruct.hpp"
#include "recording_backend.hpp"
#include "small_experiment.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <string>
#include <vector>

namespace ptychoscale {
namespace {

/// Small, but with several positions in each round of each of nine ranks.
const test::SmallExperiment experiment{.detector = {16, 18},
                                       .pixel = {0.4, 0.4},
                                       .slices = 2,
                                       .slice_thickness_A = 4,
                                       .volume = {60, 60},
                                       .scan = {12, 12},
                                       .scan_step_A = {1.3, 1.2},
                                       .first_A = {4.3, 5.1},
                                       .C10_A = -60};

struct Ending {
  std::vector<float> tile; ///< this rank's
  std::vector<double> cost;
  double vacuum_cost = 0;
};

class RecordedSolvers : public test::MpiTest {
protected:
  DatasetHeader header = test::header_of(experiment);

  Ending run(Backend& backend, const ReconstructionPlan& plan, const ReconstructionOptions& options) const {
    auto result = reconstruct(comm, backend, test::mottled(header), plan, options, {});
    Ending r{std::vector<float>(result.volume.size()), result.cost, result.vacuum_cost};
    result.volume.download(r.tile);
    result.volume = {}; // before its backend goes
    return r;
  }

  /// How many positions this rank computes together, batch by batch of an iteration.
  [[nodiscard]] std::vector<int> batches(const ReconstructionPlan& plan,
                                         const ReconstructionOptions& options) const {
    const Tile& tile = plan.tiling.tiles[static_cast<std::size_t>(comm.rank())];
    const int positions = static_cast<int>(tile.own.size() + tile.extra.size());
    const int rounds = options.method == Method::gd ? plan.rounds : 1;
    std::vector<int> sizes;
    for (int round = 0; round < rounds; ++round) {
      const Range part = round_part(positions, round, rounds);
      for (int first = part.first; first < part.last; first += options.positions_at_once)
        sizes.push_back(std::min(options.positions_at_once, part.last - first));
    }
    return sizes;
  }

  /// Volumes and step are the same in all visits, so that there is one recording forward and one backward
  /// for each number of waves. Each runs directly once and is noted once.
  [[nodiscard]] static RecordingBackend::Runs expected_runs(const std::vector<int>& batches, int iterations) {
    const int recordings = 2 * static_cast<int>(std::set(batches.begin(), batches.end()).size());
    const int sweeps = 2 * iterations * static_cast<int>(batches.size());
    return {recordings, recordings, sweeps - 2 * recordings};
  }

  void expect_replayed(const ReconstructionOptions& options, const std::string& what) const {
    const auto plan = plan_reconstruction(header, options, comm.size());
    const auto cpu = make_backend({.kind = "cpu", .threads = 1, .planning = Planning::estimate});
    RecordingBackend recording;
    const auto expected = run(*cpu, plan, options);
    const auto recorded = run(recording, plan, options);
    EXPECT_EQ(recorded.tile, expected.tile) << what;
    EXPECT_EQ(recorded.cost, expected.cost) << what;
    EXPECT_LT(recorded.cost.back(), 0.99 * recorded.vacuum_cost) << what << ": nothing was reconstructed";

    const auto runs = recording.runs();
    const auto wanted = expected_runs(batches(plan, options), options.iterations);
    EXPECT_EQ(runs.direct, wanted.direct) << what;
    EXPECT_EQ(runs.noted, wanted.noted) << what;
    EXPECT_EQ(runs.replayed, wanted.replayed) << what;
    EXPECT_GT(runs.replayed, runs.direct + runs.noted) << what;
  }

  /// With measurements in memory and streamed.
  void expect_replayed_either_way(ReconstructionOptions options) const {
    options.iterations = 3;
    for (const bool stream : {false, true}) {
      options.stream_measurements = stream;
      expect_replayed(options, fmt::format("{}, {}, {}, fill {}, {} at once{}", name(options.method),
                                           name(options.update), name(options.exchange),
                                           static_cast<int>(options.halo_fill), options.positions_at_once,
                                           stream ? ", streamed" : ""));
    }
  }
};

constexpr std::array update_rules{UpdateRule::as_printed, UpdateRule::once, UpdateRule::averaged,
                                  UpdateRule::batch};
constexpr int several = 5; // positions at once; the last batch of a round has fewer

TEST_F(RecordedSolvers, SerialReplaysItsSweeps) {
  if (comm.size() > 1) GTEST_SKIP() << "serial runs on 1 rank";
  for (const auto update : update_rules)
    expect_replayed_either_way({.method = Method::serial, .update = update});
  for (const auto type : {MeasurementType::float32, MeasurementType::float16})
    expect_replayed_either_way({.method = Method::serial,
                                .update = UpdateRule::batch,
                                .measurement_type = type,
                                .positions_at_once = several});
}

TEST_F(RecordedSolvers, GradientDecompositionReplaysItsSweepsWithEveryExchange) {
  for (const auto update : update_rules)
    expect_replayed_either_way({.method = Method::gd, .update = update, .rounds = 2});
  expect_replayed_either_way({.method = Method::gd, .rounds = 2, .delay = 1});
  for (const auto exchange :
       {ExchangeKind::appp, ExchangeKind::passes, ExchangeKind::neighbours, ExchangeKind::allreduce}) {
    if (exchange != ExchangeKind::appp) // which the rules above have
      expect_replayed_either_way({.method = Method::gd, .rounds = 2, .exchange = exchange});
    expect_replayed_either_way({.method = Method::gd,
                                .update = UpdateRule::batch,
                                .rounds = 2,
                                .exchange = exchange,
                                .positions_at_once = several});
  }
}

TEST_F(RecordedSolvers, HaloVoxelExchangeReplaysItsSweeps) {
  for (const auto fill : {HaloFill::paste, HaloFill::mean, HaloFill::never})
    expect_replayed_either_way({.method = Method::hve, .halo_fill = fill});
}

} // namespace
} // namespace ptychoscale
