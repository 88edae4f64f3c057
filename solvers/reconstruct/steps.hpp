#pragma once

#include "ptychoscale/comm/communicator.hpp"
#include "ptychoscale/reconstruct/reconstruct.hpp"

#include <vector>

namespace ptychoscale {

/// How long the steps of a run are.
struct Steps {
  double step = 0;            ///< alpha, (V * angstrom)^2; alike on all ranks
  std::vector<float> weights; ///< [y][x] of this rank's extended tile, that sums of gradients are multiplied
                              ///< with before a step; empty for rules that have none
};

/// Whether the steps of a rule differ from voxel to voxel.
[[nodiscard]] inline bool has_step_weights(const ReconstructionOptions& o) {
  return (sums_gradients(o.method) && o.update == UpdateRule::averaged) ||
         (o.method != Method::hve && o.update == UpdateRule::accelerated);
}

/// The step as given, as before the run was resumed, or the default; and this rank's weights. Collective.
[[nodiscard]] Steps steps_of(const Communicator& comm, const DatasetHeader& header,
                             const ReconstructionOptions& options, const ReconstructionPlan& plan,
                             const Checkpoint* resumed);

} // namespace ptychoscale
