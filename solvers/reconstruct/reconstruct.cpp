#include "ptychoscale/reconstruct/reconstruct.hpp"

#include "ptychoscale/base/error.hpp"
#include "ptychoscale/multislice/optics.hpp"
#include "step_size.hpp"
#include "tile_solver.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>

namespace ptychoscale {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point t) { return std::chrono::duration<double>(Clock::now() - t).count(); }

void check(const ReconstructionOptions& o, int ranks) {
  const auto at_least = [](const char* field, int value, int least) {
    if (value < least)
      throw InputError(fmt::format("{}: {} is not usable; give at least {}", field, value, least));
  };
  at_least("iterations", o.iterations, 1);
  at_least("rounds", o.rounds, 0);
  at_least("paste_every", o.paste_every, 1);
  at_least("extra_rows", o.extra_rows, 0);
  if (o.step && !(*o.step > 0 && std::isfinite(*o.step)))
    throw InputError(fmt::format("step: {} is not usable; give a positive number of (V A)^2", *o.step));
  if (o.method == Method::serial && ranks != 1)
    throw InputError(fmt::format("method: serial runs on 1 rank, not on {}; use gd or hve", ranks));
}

Tiling tiling_of(const DatasetHeader& h, const ReconstructionOptions& o, int ranks) {
  TilingRequest request;
  request.decomposition = o.method == Method::hve ? Decomposition::halo_voxel : Decomposition::gradient;
  request.volume = h.volume;
  request.pixel = h.pixel;
  request.scan = h.scan;
  request.positions = h.positions_A;
  request.circle_radius_A =
      circle_radius_A({h.energy_eV, h.semiangle_mrad, h.C10_A, h.C30_A, h.soft_aperture});
  request.ranks = ranks;
  request.mesh = o.mesh;
  request.halo_A = o.halo_A;
  request.extra_rows = o.extra_rows;
  return plan_tiling(request);
}

/// Exchanges per iteration: as asked, or one per position of the fullest rank (the paper's T = 1).
int rounds_of(const ReconstructionOptions& o, const Tiling& tiling) {
  if (o.rounds > 0) return o.rounds;
  std::size_t most = 0;
  for (const auto& t : tiling.tiles) most = std::max(most, t.own.size());
  return static_cast<int>(most);
}

/// Rank 0 searches for transforms of every size any rank needs; the others take over what it found, so that
/// all ranks, and the next run from the saved knowledge, compute the same bits.
void plan_transforms(const Communicator& comm, Backend& backend, const DatasetHeader& h, GridKind grid,
                     const Tiling& tiling) {
  std::vector<Extent> extents{h.detector};
  for (const auto& t : tiling.tiles) extents.push_back(propagation_grid(h, grid, t));
  std::string knowledge;
  if (comm.rank() == 0) {
    backend.prepare(extents);
    knowledge = backend.planning_knowledge();
  }
  comm.broadcast(knowledge, 0);
  if (comm.rank() != 0) backend.learn_planning(knowledge);
  const auto mine = static_cast<std::size_t>(comm.rank());
  backend.prepare(std::array{h.detector, propagation_grid(h, grid, tiling.tiles[mine])});
}

std::unique_ptr<Solver> make_solver(TileSolver& tile, const Communicator& comm, const Tiling& tiling,
                                    const ReconstructionOptions& o, int rounds, double step) {
  switch (o.method) {
  case Method::serial:
    return make_serial(tile, o.update, step);
  case Method::gd:
    return make_gradient_decomposition(tile, comm, tiling, o, rounds, step);
  case Method::hve:
    return make_halo_voxel_exchange(tile, comm, tiling, o, step);
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
  std::vector<double> mine{
      static_cast<double>(tile.positions()),      static_cast<double>(tile.volume().size()),
      tile.timer().seconds(Phase::compute),       tile.timer().seconds(Phase::wait),
      tile.timer().seconds(Phase::communication), static_cast<double>(traffic.messages),
      static_cast<double>(traffic.bytes),         static_cast<double>(memory.total_peak),
      static_cast<double>(peak_resident_bytes())};
  for (const auto bytes : memory.peak) mine.push_back(static_cast<double>(bytes));
  const auto all = comm.gather(mine, 0);
  std::vector<RankStatistics> ranks;
  for (std::size_t r = 0; r * mine.size() < all.size(); ++r) {
    const double* v = all.data() + r * mine.size();
    RankStatistics s;
    s.rank = static_cast<int>(r);
    s.positions = static_cast<int>(v[0]);
    s.extended_voxels = static_cast<std::int64_t>(v[1]);
    s.compute_s = v[2];
    s.wait_s = v[3];
    s.communication_s = v[4];
    s.messages = static_cast<std::int64_t>(v[5]);
    s.bytes_sent = static_cast<std::int64_t>(v[6]);
    s.peak_total_bytes = static_cast<std::int64_t>(v[7]);
    s.resident_bytes = static_cast<std::int64_t>(v[8]);
    for (std::size_t i = 0; i < memory_label_count; ++i)
      s.peak_bytes[i] = static_cast<std::int64_t>(v[9 + i]);
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

Progress iterate(const Communicator& comm, TileSolver& tile, Solver& solver,
                 const ReconstructionOptions& options, double step, const ReconstructionHooks& hooks) {
  Progress progress;
  double vacuum = 0;
  for (int k = 0; k < tile.positions(); ++k)
    if (tile.owns(k)) vacuum += tile.vacuum_loss(k);
  comm.sum(std::span(&vacuum, 1));
  progress.vacuum_cost = vacuum;
  comm.barrier();
  tile.timer().reset();
  for (int iteration = 0; iteration < options.iterations; ++iteration) {
    const auto start = Clock::now();
    double cost = solver.sweep(iteration, [&](int) { stop_if_interrupted(hooks); });
    tile.backend().synchronize();
    {
      const PhaseScope waiting(tile.timer(), Phase::wait);
      comm.sum(std::span(&cost, 1));
    }
    double seconds = seconds_since(start);
    comm.max(std::span(&seconds, 1));
    check_cost(cost, vacuum, iteration, step);
    progress.cost.push_back(cost);
    progress.seconds.push_back(seconds);
    if (comm.rank() == 0 && hooks.on_iteration) hooks.on_iteration(iteration, cost, seconds);
  }
  tile.timer().switch_to(Phase::compute);
  return progress;
}

} // namespace

Reconstruction reconstruct(const Communicator& comm, Backend& backend, const DatasetReader& dataset,
                           const ReconstructionOptions& options, const ReconstructionHooks& hooks) {
  const auto& header = dataset.header();
  Reconstruction result;
  comm.agree([&] {
    check(options, comm.size());
    result.tiling = tiling_of(header, options, comm.size());
  });
  const int rounds = rounds_of(options, result.tiling);
  result.step = options.step ? *options.step : default_step(header, options, rounds);
  comm.broadcast(std::span(&result.step, 1), 0);
  plan_transforms(comm, backend, header, options.grid, result.tiling);

  std::unique_ptr<TileSolver> tile;
  comm.agree([&] {
    tile = std::make_unique<TileSolver>(backend, dataset, options,
                                        result.tiling.tiles[static_cast<std::size_t>(comm.rank())]);
  });
  auto solver = make_solver(*tile, comm, result.tiling, options, rounds, result.step);
  auto progress = iterate(comm, *tile, *solver, options, result.step, hooks);
  result.cost = std::move(progress.cost);
  result.seconds = std::move(progress.seconds);
  result.vacuum_cost = progress.vacuum_cost;
  result.ranks = gather_statistics(comm, *tile, solver->traffic(), memory_meter().read());
  solver.reset();
  result.volume = tile->take_volume();
  return result;
}

} // namespace ptychoscale
