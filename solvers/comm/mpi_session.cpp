#include "mpi_check.hpp"
#include "ptychoscale/base/error.hpp"
#include "ptychoscale/comm/communicator.hpp"

#include <mpi.h>

namespace ptychoscale {

MpiSession::MpiSession(int& argc, char**& argv, Threads threads) {
  const int needed = threads == Threads::several ? MPI_THREAD_FUNNELED : MPI_THREAD_SINGLE;
  int provided = MPI_THREAD_SINGLE;
  check_mpi(MPI_Init_thread(&argc, &argv, needed, &provided), "MPI_Init_thread");
  // Errors come back as codes, to become exceptions, instead of ending the process inside the library.
  check_mpi(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
  check_mpi(MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
  if (provided < needed)
    throw RunError("this MPI library cannot run beside threads (it lacks MPI_THREAD_FUNNELED)");
}

MpiSession::~MpiSession() { MPI_Finalize(); }

} // namespace ptychoscale
