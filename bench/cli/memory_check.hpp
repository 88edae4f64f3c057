#pragma once

#include "ptychoscale/comm/communicator.hpp"
#include "ptychoscale/reconstruct/reconstruct.hpp"

namespace ptychoscale {

/// Holds what a run on the CPU will take, as `plan` counts it, against what each host has, before anything is
/// allocated. Collective. Throws InputError on every rank that names the host, its ranks' need and what there is.
void check_memory(const Communicator& comm, const DatasetHeader& header, const ReconstructionOptions& options,
                  const ReconstructionPlan& plan, int threads);

} // namespace ptychoscale
