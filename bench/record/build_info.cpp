#include "ptychoscale/record/build_info.hpp"

#include "ptychoscale/comm/communicator.hpp"

#include <fmt/format.h>
#include <hdf5.h>

namespace ptychoscale {

BuildInfo build_info() {
  unsigned major = 0;
  unsigned minor = 0;
  unsigned release = 0;
  H5get_libversion(&major, &minor, &release);
  return {.version = PTYCHOSCALE_VERSION,
          .compiler = PTYCHOSCALE_COMPILER,
          .flags = PTYCHOSCALE_FLAGS,
          .build_type = PTYCHOSCALE_BUILD_TYPE,
          .hdf5 = fmt::format("{}.{}.{}", major, minor, release),
          .mpi = Communicator::library_version()};
}

std::string_view evidence_of(std::string_view backend) {
  return PTYCHOSCALE_CUDA_ON_HOST && backend.starts_with("cuda") ? "simulated" : "measured";
}

} // namespace ptychoscale
