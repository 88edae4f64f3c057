#include "mpi_check.hpp"

#include "ptychoscale/base/error.hpp"

#include <climits>
#include <mpi.h>

#include <string>

namespace ptychoscale {

void check_mpi(int code, const char* call) {
  if (code == MPI_SUCCESS) return;
  char text[MPI_MAX_ERROR_STRING] = "unknown error";
  int length = 0;
  MPI_Error_string(code, text, &length);
  throw RunError(std::string(call) + " failed: " + text);
}

int mpi_count(std::size_t n) {
  if (n > std::size_t{INT_MAX})
    throw RunError("a message of " + std::to_string(n) + " elements is longer than MPI's largest count of " +
                   std::to_string(INT_MAX));
  return static_cast<int>(n);
}

} // namespace ptychoscale
