#pragma once

#include "ptychoscale/compute/kernel_rates.hpp"
#include "ptychoscale/reconstruct/reconstruct.hpp"

#include <functional>
#include <vector>

namespace ptychoscale {

/// What one iteration would take on every rank of a plan, found by running the solver's own code, rank after
/// rank, on the `model` backend: messages, bytes, peak memory by label, positions, and kernel seconds as
/// `compute_s` (0 without rates). Waiting is not modelled. `threads` are those of a rank on the CPU.
/// `on_rank` is told of every rank that is done.
[[nodiscard]] std::vector<RankStatistics> dry_run(const DatasetHeader& header,
                                                  const ReconstructionOptions& options,
                                                  const ReconstructionPlan& plan, const KernelRates& rates,
                                                  int threads, const std::function<void(int)>& on_rank = {});

/// The same for one rank. Afterwards the memory meter has forgotten its peaks.
[[nodiscard]] RankStatistics dry_run_of_rank(int rank, const DatasetHeader& header,
                                             const ReconstructionOptions& options,
                                             const ReconstructionPlan& plan, const KernelRates& rates,
                                             int threads);

} // namespace ptychoscale
