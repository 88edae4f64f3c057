#include "ptychoscale/reconstruct/reconstruct.hpp"

#include "ptychoscale/base/error.hpp"
#include "step_size.hpp"
#include "tile_solver.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace ptychoscale {
namespace {

/// One rank searches for transforms of every size any rank needs; the others take over what it found, so that
/// all ranks, and the next run from the saved knowledge, compute the same bits.
void plan_transforms(const Communicator& comm, Backend& backend, const ReconstructionPlan& plan,
                     Extent grid) {
  const std::array own{plan.transforms.front(), grid};
  if (!comm.is_alone()) {
    std::string knowledge;
    if (comm.leads()) {
      backend.search(plan.transforms);
      knowledge = backend.planning_knowledge();
    }
    comm.broadcast(knowledge, 0);
    if (!comm.leads()) backend.learn_planning(knowledge);
  }
  backend.prepare(own);
}

std::unique_ptr<Solver> make_solver(TileSolver& tile, const Communicator& comm,
                                    const ReconstructionPlan& plan, const ReconstructionOptions& o,
                                    double step) {
  switch (o.method) {
  case Method::serial:
    return make_serial(tile, o.update, step);
  case Method::gd:
    return make_gradient_decomposition(tile, comm, plan, o.update, step);
  case Method::hve:
    return make_halo_voxel_exchange(tile, comm, plan, o, step);
  }
  throw RunError("no such method");
}

/// Thrown between two positions on the rank that noticed; the whole job ends.
void stop_if_interrupted(const ReconstructionHooks& hooks) {
  if (hooks.interrupted && hooks.interrupted()) throw Interrupted();
}

void check_cost(double cost, double vacuum, int iteration, double step) {
  // Twice the empty volume's cost is far above anything a converging run shows.
  if (std::isfinite(cost) && cost <= 2 * vacuum) return;
  throw InputError(
      fmt::format("step: {:.4g} (V A)^2 diverges: cost {:.4g} in iteration {} against {:.4g} for the empty "
                  "volume; give a smaller one",
                  step, cost, iteration + 1, vacuum));
}

std::vector<RankStatistics> gather_statistics(const Communicator& comm, TileSolver& tile,
                                              const Traffic& traffic, const MemoryMeter::Reading& memory) {
  std::vector<double> mine{static_cast<double>(tile.positions()),
                           static_cast<double>(tile.volume().size()),
                           tile.seconds_of_visits(),
                           tile.timer().seconds(Phase::compute),
                           tile.timer().seconds(Phase::wait),
                           tile.timer().seconds(Phase::communication),
                           static_cast<double>(traffic.messages),
                           static_cast<double>(traffic.bytes),
                           static_cast<double>(memory.total_peak),
                           static_cast<double>(peak_resident_bytes())};
  for (const auto bytes : memory.peak) mine.push_back(static_cast<double>(bytes));
  const auto all = comm.gather(mine, 0);
  std::vector<RankStatistics> ranks;
  for (std::size_t r = 0; r * mine.size() < all.size(); ++r) {
    const double* v = all.data() + r * mine.size();
    RankStatistics s;
    s.rank = comm.is_alone() ? comm.rank() : static_cast<int>(r);
    s.positions = static_cast<int>(v[0]);
    s.extended_voxels = static_cast<std::int64_t>(v[1]);
    s.visits_s = v[2];
    s.compute_s = v[3];
    s.wait_s = v[4];
    s.communication_s = v[5];
    s.messages = static_cast<std::int64_t>(v[6]);
    s.bytes_sent = static_cast<std::int64_t>(v[7]);
    s.peak_total_bytes = static_cast<std::int64_t>(v[8]);
    s.resident_bytes = static_cast<std::int64_t>(v[9]);
    for (std::size_t i = 0; i < memory_label_count; ++i)
      s.peak_bytes[i] = static_cast<std::int64_t>(v[10 + i]);
    ranks.push_back(s);
  }
  return ranks;
}

/// What the loop over iterations produces.
struct Progress {
  std::vector<double> cost;
  std::vector<double> seconds;
  double vacuum_cost = 0;
};

/// All ranks learn whether the patterns that they have read can be used, and end together when not.
void judge_patterns(const Communicator& comm, const TileSolver& tile, const Acquisition& acquisition,
                    const ReconstructionHooks& hooks) {
  const auto mine = tile.judge_patterns(limits_of_patterns(acquisition.header));
  const auto all = findings_of_ranks(comm.gather(as_numbers(mine), 0));
  comm.agree([&] {
    if (!comm.leads()) return;
    if (const auto why = unusable(all, acquisition.header))
      throw InputError(acquisition.name.empty() ? *why : fmt::format("'{}': {}", acquisition.name, *why));
  });
  if (comm.leads() && hooks.on_patterns) hooks.on_patterns(all);
}

Progress iterate(const Communicator& comm, TileSolver& tile, Solver& solver, const Acquisition& acquisition,
                 const ReconstructionOptions& options, double step, const ReconstructionHooks& hooks) {
  Progress progress;
  double vacuum = 0;
  comm.barrier();
  tile.timer().reset();
  tile.timer().observe(hooks.on_phase);
  for (int iteration = 0; iteration < options.iterations; ++iteration) {
    const double start = tile.backend().now();
    double cost = solver.sweep(iteration, [&](int k) {
      stop_if_interrupted(hooks);
      // Each pattern is there once in the first iteration; reading all of them for this alone would cost a
      // pass.
      if (iteration == 0 && tile.owns(k)) vacuum += tile.vacuum_loss(k);
    });
    tile.backend().synchronize();
    double seconds = 0;
    {
      const PhaseScope waiting(tile.timer(), Phase::wait);
      comm.sum(std::span(&cost, 1));
      seconds = tile.backend().now() - start;
      comm.max(std::span(&seconds, 1));
      if (iteration == 0) comm.sum(std::span(&vacuum, 1));
    }
    if (iteration == 0 && options.stream_measurements && tile.backend().computes()) {
      const PhaseScope waiting(tile.timer(), Phase::wait);
      judge_patterns(comm, tile, acquisition, hooks); // all of them have been read now
    }
    if (!comm.is_alone()) check_cost(cost, vacuum, iteration, step); // alone it means nothing
    progress.cost.push_back(cost);
    progress.seconds.push_back(seconds);
    if (comm.leads() && hooks.on_iteration) hooks.on_iteration(iteration, cost, seconds);
  }
  progress.vacuum_cost = vacuum;
  tile.timer().switch_to(Phase::compute);
  return progress;
}

} // namespace

Reconstruction reconstruct(const Communicator& comm, Backend& backend, const Acquisition& acquisition,
                           const ReconstructionPlan& plan, const ReconstructionOptions& options,
                           const ReconstructionHooks& hooks) {
  const auto& header = acquisition.header;
  const auto& mine = plan.tiling.tiles[static_cast<std::size_t>(comm.rank())];
  Reconstruction result;
  comm.agree([&] {
    if (comm.leads()) result.step = options.step ? *options.step : default_step(header, options, plan.rounds);
  });
  comm.broadcast(std::span(&result.step, 1), 0);
  plan_transforms(comm, backend, plan, propagation_grid(header, options.grid, mine));

  std::unique_ptr<TileSolver> tile;
  comm.agree([&] { tile = std::make_unique<TileSolver>(backend, acquisition, plan, options, mine); });
  if (!options.stream_measurements && backend.computes()) judge_patterns(comm, *tile, acquisition, hooks);
  auto solver = make_solver(*tile, comm, plan, options, result.step);
  auto progress = iterate(comm, *tile, *solver, acquisition, options, result.step, hooks);
  result.cost = std::move(progress.cost);
  result.seconds = std::move(progress.seconds);
  result.vacuum_cost = progress.vacuum_cost;
  result.ranks = gather_statistics(comm, *tile, solver->traffic(), memory_meter().read());
  solver.reset();
  result.volume = tile->take_volume();
  return result;
}

} // namespace ptychoscale
