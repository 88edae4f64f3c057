#include "ptychoscale/comm/launched.hpp"

#include "ptychoscale/base/error.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cstdlib>
#include <string>

namespace ptychoscale {
namespace {

/// A variable in which a launcher tells its processes how many they are.
struct Announcement {
  const char* variable;
  std::string_view by;
};

constexpr std::array announcements{
    Announcement{"OMPI_COMM_WORLD_SIZE", "mpirun (Open MPI)"},
    Announcement{"SLURM_STEP_NUM_TASKS", "srun"},
    Announcement{"JSM_NAMESPACE_SIZE", "jsrun"},
    Announcement{"FLUX_JOB_SIZE", "flux run"},
    Announcement{"MV2_COMM_WORLD_SIZE", "mpirun (MVAPICH)"},
    Announcement{"PMI_SIZE", "mpiexec (PMI)"},
};

/// What a variable says; 0 when it is not there or no number.
int number_in(const char* variable) {
  const char* text = std::getenv(variable);
  int value = 0;
  if (text != nullptr) std::from_chars(text, text + std::char_traits<char>::length(text), value);
  return value;
}

[[noreturn]] void refuse(const std::string& said, const Communicator& world) {
  throw RunError(fmt::format(
      "{}, but MPI sees {}: the launcher is not that of the MPI this program was built with ({}); valid: its "
      "own mpirun, or under Slurm srun --mpi=pmix (Open MPI) or --mpi=pmi2 (MPICH)",
      said, world.size(), Communicator::library_version()));
}

} // namespace

std::optional<Launched> launched() {
  // The largest wins: a launcher inside another one's job finds both variables.
  std::optional<Launched> found;
  for (const auto& [variable, by] : announcements)
    if (const int ranks = number_in(variable); ranks > 0 && (!found || ranks > found->ranks))
      found = Launched{by, variable, ranks};
  return found;
}

void check_launcher(const Communicator& world) {
  const auto found = launched();
  const int asked = number_in("PTYCHOSCALE_RANKS");
  if (asked > 0 && asked != world.size()) refuse(fmt::format("asked for {} ranks", asked), world);
  if (world.size() == 1 && found && found->ranks > 1)
    refuse(fmt::format("{} started {} ranks ({})", found->by, found->ranks, found->variable), world);
}

} // namespace ptychoscale
