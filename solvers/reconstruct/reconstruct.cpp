#include "ptychoscale/reconstruct/reconstruct.hpp"

#include "iteration_loop.hpp"
#include "probe_refinement.hpp"
#include "ptychoscale/base/error.hpp"
#include "ptychoscale/io/masks.hpp"
#include "ptychoscale/multislice/optics.hpp"
#include "ptychoscale/multislice/probe_modes.hpp"
#include "steps.hpp"
#include "tile_solver.hpp"

#include <fmt/format.h>

#include <array>
#include <cstring>

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

/// A dry run is given its step, and its weights are only memory.
Steps dry_steps(const ReconstructionOptions& options, const Tile& mine) {
  return {options.step.value(),
          std::vector<float>(has_step_weights(options) ? mine.extended.extent().area() : 0)};
}

std::unique_ptr<Solver> make_solver(TileSolver& tile, const Communicator& comm,
                                    const ReconstructionPlan& plan, const ReconstructionOptions& o,
                                    const Steps& steps) {
  if (has_step_weights(o) && descends(o))
    return make_accelerated_descent(tile, comm, plan, steps.weights, steps.step);
  switch (o.method) {
  case Method::serial:
    return make_serial(tile, o.update, steps.step);
  case Method::gd:
  case Method::replicated:
    if (o.delay > 0) return make_delayed_decomposition(tile, comm, plan, o.update, steps.weights, steps.step);
    return make_gradient_decomposition(tile, comm, plan, o.update, steps.weights, steps.step);
  case Method::hve:
    return make_halo_voxel_exchange(tile, comm, plan, o, steps.step);
  }
  throw RunError("no such method");
}

std::vector<RankStatistics> gather_statistics(const Communicator& comm, TileSolver& tile,
                                              const RankState& totals) {
  const auto seconds = [&](Phase phase) { return totals.phases_s[static_cast<std::size_t>(phase)]; };
  std::vector<double> mine{static_cast<double>(tile.positions()),
                           static_cast<double>(tile.volume().size()),
                           totals.visits_s,
                           seconds(Phase::compute),
                           seconds(Phase::wait),
                           seconds(Phase::communication),
                           static_cast<double>(totals.traffic.messages),
                           static_cast<double>(totals.traffic.bytes),
                           static_cast<double>(totals.peak_total_bytes),
                           static_cast<double>(totals.resident_bytes)};
  for (const auto bytes : totals.peak_bytes) mine.push_back(static_cast<double>(bytes));
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

/// On rank 0, of every pattern that some rank has read.
std::map<int, std::uint64_t> hashes_of_ranks(const Communicator& comm, const TileSolver& tile,
                                             const Acquisition& acquisition) {
  if (!acquisition.hash_as_read) return {};
  std::vector<std::uint64_t> mine; // position, hash
  for (const auto& [position, hash] : tile.hashes_as_read(acquisition.hash_as_read))
    mine.insert(mine.end(), {static_cast<std::uint64_t>(position), hash});
  std::map<int, std::uint64_t> all;
  const std::string bytes(reinterpret_cast<const char*>(mine.data()), mine.size() * sizeof mine[0]);
  for (const auto& theirs : comm.gather(bytes, 0))
    for (std::size_t at = 0; at < theirs.size(); at += 2 * sizeof mine[0]) {
      std::array<std::uint64_t, 2> one{};
      std::memcpy(one.data(), theirs.data() + at, sizeof one);
      all[static_cast<int>(one[0])] = one[1];
    }
  return all;
}

/// All ranks learn whether the patterns that they have read are those that were written and can be used, and
/// end together when not.
void judge_patterns(const Communicator& comm, const TileSolver& tile, const Acquisition& acquisition,
                    const ReconstructionOptions& options, const ReconstructionHooks& hooks) {
  const double brightest = options.refine_scale > 0 ? of_rough_beam : of_known_beam;
  const auto mine = tile.judge_patterns(limits_of_patterns(acquisition.header, brightest));
  const auto all = findings_of_ranks(comm.gather(as_numbers(mine), 0));
  const auto hashes = hashes_of_ranks(comm, tile, acquisition);
  comm.agree([&] {
    if (!comm.leads()) return;
    auto why = unusable(all, acquisition.header, brightest);
    // Only some are visited where a part of a run is timed.
    if (!why && acquisition.complaint_of_content && hashes.size() == patterns_in_use(acquisition.header))
      why = acquisition.complaint_of_content(hashes);
    if (why)
      throw InputError(acquisition.name.empty() ? *why : fmt::format("'{}': {}", acquisition.name, *why));
  });
  if (comm.leads() && hooks.on_patterns) hooks.on_patterns(all);
}

std::unique_ptr<ProbeRefinement> make_refinement(TileSolver& tile, const Communicator& comm,
                                                 const ReconstructionPlan& plan,
                                                 const ReconstructionOptions& options) {
  return changes_probe(options) ? std::make_unique<ProbeRefinement>(tile, comm, plan, options) : nullptr;
}

std::unique_ptr<SliceBlur> make_blur(TileSolver& tile, const ReconstructionOptions& options) {
  return options.slice_blur > 0
             ? std::make_unique<SliceBlur>(tile.backend(), tile.volume(), options.slice_blur)
             : nullptr;
}

/// The probe that a rank has now, on the whole detector. Steps leave modes that are not orthogonal, which no
/// pattern tells; so it is for the reader that they are made so, and once is enough.
std::vector<Complex> probe_of(TileSolver& tile, const ReconstructionPlan& plan, Extent detector) {
  ApertureProbe now = plan.probe;
  tile.backend().to_host(now.values.data(), tile.probe().data(), tile.probe().size_bytes());
  return extend_aperture(orthogonal_modes(now), detector);
}

} // namespace

Reconstruction reconstruct(const Communicator& comm, Backend& backend, const Acquisition& acquisition,
                           const ReconstructionPlan& plan, const ReconstructionOptions& options,
                           const ReconstructionHooks& hooks) {
  const auto& header = acquisition.header;
  const auto& mine = plan.tiling.tiles[static_cast<std::size_t>(comm.rank())];
  Reconstruction result;
  const auto steps =
      backend.computes() ? steps_of(comm, header, options, plan, hooks.resume) : dry_steps(options, mine);
  result.step = steps.step;
  plan_transforms(comm, backend, plan, propagation_grid(header, options.grid, mine));

  std::unique_ptr<TileSolver> tile;
  comm.agree([&] { tile = std::make_unique<TileSolver>(backend, acquisition, plan, options, mine); });
  const auto judge = [&] {
    if (backend.computes()) judge_patterns(comm, *tile, acquisition, options, hooks);
  };
  if (!options.stream_measurements) judge();
  auto solver = make_solver(*tile, comm, plan, options, steps);
  const auto refinement = make_refinement(*tile, comm, plan, options);
  const auto blur = make_blur(*tile, options);
  IterationLoop loop(comm, *tile, *solver, refinement.get(), blur.get(), plan, options, result.step, hooks);
  if (options.stream_measurements) loop.after_first(judge); // all of them have been read then
  if (hooks.resume) loop.resume(*hooks.resume);
  loop.run();
  const auto& done = loop.shared();
  result.cost = done.cost;
  result.seconds = done.seconds;
  result.closeness = done.closeness;
  result.vacuum_cost = done.vacuum_cost;
  result.resumed_at = done.resumed_at;
  result.checkpoints = done.checkpoints;
  if (refinement && backend.computes()) result.probe = probe_of(*tile, plan, header.detector);
  result.ranks = gather_statistics(comm, *tile, loop.totals());
  solver.reset();
  result.volume = tile->take_volume();
  return result;
}

} // namespace ptychoscale
