#include "mpi_check.hpp"
#include "ptychoscale/comm/communicator.hpp"

#include <mpi.h>
#if defined(OPEN_MPI) && __has_include(<mpi-ext.h>)
#include <mpi-ext.h>
#endif

namespace ptychoscale {

bool Communicator::takes_device_memory() {
#if defined(OMPI_HAVE_MPI_EXT_CUDA) && OMPI_HAVE_MPI_EXT_CUDA // Open MPI and what is made from it
  return MPIX_Query_cuda_support() == 1;
#elif defined(MPIX_GPU_SUPPORT_CUDA) // MPICH from 4.0 on and what is made from it
  int takes = 0;
  check_mpi(MPIX_GPU_query_support(MPIX_GPU_SUPPORT_CUDA, &takes), "MPIX_GPU_query_support");
  return takes != 0;
#else
  return false;
#endif
}

} // namespace ptychoscale
