#include "projection.hpp"

#include "ptychoscale/compute/model.hpp"

namespace ptychoscale {
namespace {

std::unique_ptr<Backend> device_of(const ProjectedRun& run, int rank) {
  const double per_slice = run.seconds_per_visit[static_cast<std::size_t>(rank)] / run.header.slices;
  return make_model_backend({.device = run.times.device,
                             .threads = 0,
                             .cost =
                                 [per_slice, &run](Verb verb, std::size_t elements) {
                                   return verb_seconds(verb, elements, per_slice, run.times.bytes_per_second);
                                 },
                             .charge = compute_for,
                             .clock = simulated_seconds,
                             .allocate_messages = allocate_shared,
                             .release_messages = release_shared});
}

/// Adds to a rank's timeline; stretches of one phase that touch become one.
void note(std::vector<Interval>& timeline, const Interval& next) {
  if (next.to_s <= next.from_s) return;
  if (!timeline.empty() && timeline.back().phase == next.phase && timeline.back().to_s == next.from_s) {
    timeline.back().to_s = next.to_s;
  } else {
    timeline.push_back(next);
  }
}

/// One rank, from MPI's start to its end.
void run_rank(const ProjectedRun& run, int rank, Reconstruction& result, std::vector<Interval>& timeline) {
  int count = 0;
  char** none = nullptr;
  const MpiSession session(count, none, Threads::one);
  const auto comm = Communicator::world();
  const auto device = device_of(run, rank);
  const Acquisition nothing{run.header, [](int, std::span<float>) {}};
  ReconstructionHooks hooks;
  if (run.with_timeline)
    hooks.on_phase = [&](Phase phase, double from_s, double to_s) {
      note(timeline, {rank, phase, from_s, to_s});
    };
  auto mine = reconstruct(comm, *device, nothing, run.plan, run.options, hooks);
  mine.volume = {};
  if (comm.leads()) result = std::move(mine);
}

} // namespace

Projection project(SimulatedMachine& machine, const ProjectedRun& run) {
  Projection projection;
  std::vector<std::vector<Interval>> timelines(run.plan.tiling.tiles.size());
  machine.run(
      [&](int rank) { run_rank(run, rank, projection.run, timelines[static_cast<std::size_t>(rank)]); });
  for (const auto& timeline : timelines)
    projection.timeline.insert(projection.timeline.end(), timeline.begin(), timeline.end());
  if (!projection.timeline.empty()) {
    const double start = projection.timeline.front().from_s; // the barrier before releases all ranks at once
    for (auto& interval : projection.timeline) {
      interval.from_s -= start;
      interval.to_s -= start;
    }
  }
  return projection;
}

} // namespace ptychoscale
