#include "steps.hpp"

#include "step_size.hpp"
#include "step_weights.hpp"

#include <array>

namespace ptychoscale {

Steps steps_of(const Communicator& comm, const DatasetHeader& header, const ReconstructionOptions& options,
               const ReconstructionPlan& plan, const Checkpoint* resumed) {
  const auto known = options.step ? options.step
                     : resumed    ? std::optional(resumed->shared.step)
                                  : std::nullopt;
  const bool weighted = has_step_weights(options);
  Illumination light;
  StepScale scale;
  comm.agree([&] {
    if (!comm.leads()) return;
    if (weighted || !known) light = illumination_of(header, plan.probe);
    scale.step = known ? *known : default_step(header, options, plan, light);
    if (weighted) scale.brightest = brightest_of_scan(header, plan, light);
  });
  std::array numbers{scale.step, scale.brightest};
  comm.broadcast(numbers, 0);
  scale = {numbers[0], numbers[1]};
  if (!weighted) return {scale.step, {}};
  share(comm, light);
  const auto& mine = plan.tiling.tiles[static_cast<std::size_t>(comm.rank())];
  return {scale.step, step_weights(header, options, plan, light, scale, mine.extended)};
}

} // namespace ptychoscale
