#pragma once

#include "kernel_times.hpp"
#include "ptychoscale/base/phase_timer.hpp"
#include "ptychoscale/reconstruct/reconstruct.hpp"
#include "simulated_machine.hpp"

#include <vector>

namespace ptychoscale {

/// What every rank of a projected run is given.
struct ProjectedRun {
  const DatasetHeader& header;
  const ReconstructionOptions& options;
  const ReconstructionPlan& plan;
  KernelTimes times;
  std::vector<double> seconds_per_visit; ///< by rank
  bool with_timeline = false;
};

struct Interval {
  int rank = 0;
  Phase phase = Phase::compute;
  double from_s = 0; ///< since the iterations began
  double to_s = 0;
};

struct Projection {
  Reconstruction run;             ///< of rank 0: seconds of iterations, statistics of all ranks
  std::vector<Interval> timeline; ///< of all ranks, each in order of time; empty unless wanted
};

/// Runs the solver's own code on every rank of the machine, with the `model` backend in place of arithmetic.
[[nodiscard]] Projection project(SimulatedMachine& machine, const ProjectedRun& run);

} // namespace ptychoscale
