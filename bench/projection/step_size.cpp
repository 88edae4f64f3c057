#include "step_size.hpp"

#include "ptychoscale/base/error.hpp"

// The default step takes transforms, which nothing here can make, and no step is taken: one is always given.

namespace ptychoscale {

double default_step(const DatasetHeader&, const ReconstructionOptions&, const ReconstructionPlan&) {
  throw RunError("a projected run has no default step");
}

} // namespace ptychoscale
