#include "ptychoscale/reconstruct/dry_run.hpp"

#include "ptychoscale/compute/model.hpp"

#include <algorithm>

namespace ptychoscale {
namespace {

RankStatistics one_sweep(int rank, const Acquisition& acquisition, const ReconstructionOptions& options,
                         const ReconstructionPlan& plan, const KernelRates& rates, int threads) {
  const auto comm = Communicator::alone(rank, plan.tiling.mesh.ranks());
  double seconds = 0;
  ModelOptions model{
      .device = rates.device, .threads = threads, .cost = {}, .charge = [&](double s) { seconds += s; }};
  if (!rates.device.empty())
    model.cost = [&](Verb verb, std::size_t elements) { return rates.seconds(verb, elements); };
  const auto backend = make_model_backend(model);
  memory_meter().forget_peaks();
  const auto result = reconstruct(comm, *backend, acquisition, plan, options, {});
  RankStatistics statistics = result.ranks.front();
  statistics.compute_s = seconds;
  statistics.wait_s = statistics.communication_s = statistics.visits_s = 0;
  return statistics;
}

} // namespace

RankStatistics dry_run_of_rank(int rank, const DatasetHeader& header, const ReconstructionOptions& options,
                               const ReconstructionPlan& plan, const KernelRates& rates, int threads) {
  auto once = options;
  once.iterations = 1;
  once.step = 1;                                      // it scales what is not computed
  once.refine_probe = std::min(once.refine_probe, 1); // one of those that do
  if (once.refine_probe == 0) once.refine_scale = std::min(once.refine_scale, 1);
  const Acquisition nothing{header, [](int, std::span<float>) {}};
  const auto statistics = one_sweep(rank, nothing, once, plan, rates, threads);
  memory_meter().forget_peaks(); // of what was only counted
  return statistics;
}

std::vector<RankStatistics> dry_run(const DatasetHeader& header, const ReconstructionOptions& options,
                                    const ReconstructionPlan& plan, const KernelRates& rates, int threads,
                                    const std::function<void(int)>& on_rank) {
  std::vector<RankStatistics> ranks;
  for (int rank = 0; rank < plan.tiling.mesh.ranks(); ++rank) {
    ranks.push_back(dry_run_of_rank(rank, header, options, plan, rates, threads));
    if (on_rank) on_rank(rank);
  }
  return ranks;
}

} // namespace ptychoscale
