#include "steps.hpp"

#include "ptychoscale/base/error.hpp"

// Default steps take transforms, which nothing here can make, and no step is taken: one is always given.

namespace ptychoscale {

Steps steps_of(const Communicator&, const DatasetHeader&, const ReconstructionOptions&,
               const ReconstructionPlan&, const Checkpoint*) {
  throw RunError("a projected run has no default step");
}

} // namespace ptychoscale
