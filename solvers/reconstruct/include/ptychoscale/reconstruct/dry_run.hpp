#pragma once

#include "ptychoscale/compute/kernel_rates.hpp"
#include "ptychoscale/reconstruct/reconstruct.hpp"

#include <vector>

namespace ptychoscale {

/// What one iteration would take on every rank of a plan, found by running the solver's own code, rank after
/// rank, on the `model` backend: messages, bytes, peak memory by label, positions, and kernel seconds as
/// `compute_s` (0 without rates). Waiting is not modelled. `threads` are those of a rank on the CPU.
[[nodiscard]] std::vector<RankStatistics> dry_run(const DatasetHeader& header,
                                                  const ReconstructionOptions& options,
                                                  const ReconstructionPlan& plan, const KernelRates& rates,
                                                  int threads);

} // namespace ptychoscale
