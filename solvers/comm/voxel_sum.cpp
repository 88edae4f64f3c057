#include "in_calls.hpp"
#include "mpi_check.hpp"
#include "ptychoscale/comm/communicator.hpp"

#include <mpi.h>

// By itself: on a simulated machine the values are not there to be added up (bench/projection/voxel_sum.cpp).

namespace ptychoscale {

void Communicator::sum(std::span<float> values) const {
  if (is_alone()) return;
  const MPI_Comm comm = *static_cast<const MPI_Comm*>(native());
  in_calls(values, [&](float* data, int n) {
    check_mpi(MPI_Allreduce(MPI_IN_PLACE, data, n, MPI_FLOAT, MPI_SUM, comm), "MPI_Allreduce");
  });
}

} // namespace ptychoscale
