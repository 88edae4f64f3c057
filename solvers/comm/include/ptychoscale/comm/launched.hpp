#pragma once

#include "ptychoscale/comm/communicator.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace ptychoscale {

/// What the launcher of this process says of itself in the environment.
struct Launched {
  std::string_view by;       ///< the launcher, in words
  std::string_view variable; ///< that it says it in
  int ranks = 1;             ///< that it started
  int rank = 0;              ///< the one that this process is to be
};

/// Gives nothing for a process that no known launcher started.
[[nodiscard]] std::optional<Launched> launched();

/// The rank that this process is to be; 0 for one that no known launcher started.
[[nodiscard]] int launched_rank();

/// Whether srun started this process with the help that Open MPI needs from it, without which MPI_Init ends
/// the process with lines that name no remedy. Asked before MPI starts. Throws RunError when there is none;
/// gives a warning when it is PMI-2, which few builds of Open MPI can use.
[[nodiscard]] std::optional<std::string> check_direct_launch();

/// Throws RunError when the launcher started several ranks and MPI sees only this one, or the commands over
/// many runs asked for another number (PTYCHOSCALE_RANKS). A launcher of another MPI library starts processes
/// that each believe to be alone: they would all do the whole work, write the same files, and report a run
/// that is not the one asked for.
void check_launcher(const Communicator& world);

} // namespace ptychoscale
