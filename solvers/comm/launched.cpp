#include "ptychoscale/comm/launched.hpp"

#include "ptychoscale/base/error.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cstdlib>
#include <string>

namespace ptychoscale {
namespace {

/// The variables in which a launcher tells its processes how many they are, and each which one it is.
struct Announcement {
  const char* variable;
  const char* rank;
  std::string_view by;
};

constexpr std::array announcements{
    Announcement{"OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK", "mpirun (Open MPI)"},
    Announcement{"SLURM_STEP_NUM_TASKS", "SLURM_PROCID", "srun"},
    Announcement{"JSM_NAMESPACE_SIZE", "JSM_NAMESPACE_RANK", "jsrun"},
    Announcement{"FLUX_JOB_SIZE", "FLUX_TASK_RANK", "flux run"},
    Announcement{"MV2_COMM_WORLD_SIZE", "MV2_COMM_WORLD_RANK", "mpirun (MVAPICH)"},
    Announcement{"PMI_SIZE", "PMI_RANK", "mpiexec (PMI)"},
};

constexpr std::string_view valid_launchers =
    "its own mpirun, or under Slurm srun --mpi=pmix (Open MPI) or --mpi=pmi2 (MPICH)";

/// What a variable says; 0 when it is not there or no number.
int number_in(const char* variable) {
  const char* text = std::getenv(variable);
  int value = 0;
  if (text != nullptr) std::from_chars(text, text + std::char_traits<char>::length(text), value);
  return value;
}

[[noreturn]] void refuse(const std::string& said, const Communicator& world) {
  throw RunError(fmt::format(
      "{}, but MPI sees {}: the launcher is not that of the MPI this program was built with ({}); valid: {}",
      said, world.size(), Communicator::library_version(), valid_launchers));
}

bool is_set(const char* variable) { return std::getenv(variable) != nullptr; }

/// Whether srun started this process as a task. In a batch script there is no step, and an interactive shell
/// of salloc is one with a number that no other has.
bool is_task_of_srun() {
  constexpr unsigned first_special_step = 0xfffffff0U;
  const char* step = std::getenv("SLURM_STEP_ID");
  return step != nullptr && is_set("SLURM_PROCID") && std::strtoul(step, nullptr, 10) < first_special_step;
}

} // namespace

std::optional<Launched> launched() {
  // The largest wins: a launcher inside another one's job finds both variables.
  std::optional<Launched> found;
  for (const auto& [variable, rank, by] : announcements)
    if (const int ranks = number_in(variable); ranks > 0 && (!found || ranks > found->ranks))
      found = Launched{by, variable, ranks, number_in(rank)};
  return found;
}

int launched_rank() {
  const auto found = launched();
  return found ? found->rank : 0;
}

std::optional<std::string> check_direct_launch() {
  if (is_set("PMIX_RANK") || is_set("OMPI_COMM_WORLD_SIZE") || !is_task_of_srun()) return std::nullopt;
  auto library = Communicator::library_version();
  library = library.substr(0, library.find(','));
  if (!library.starts_with("Open MPI")) return std::nullopt;
  const auto valid = fmt::format("valid: {}; `srun --mpi=list` says what this Slurm has", valid_launchers);
  if (!is_set("PMI_RANK"))
    throw RunError(fmt::format("srun started this without PMIx, which {} needs; {}", library, valid));
  return fmt::format("srun started this with PMI-2, which few builds of {} can use; if MPI fails now, {}",
                     library, valid);
}

void check_launcher(const Communicator& world) {
  const auto found = launched();
  const int asked = number_in("PTYCHOSCALE_RANKS");
  if (asked > 0 && asked != world.size()) refuse(fmt::format("asked for {} ranks", asked), world);
  if (world.size() == 1 && found && found->ranks > 1)
    refuse(fmt::format("{} started {} ranks ({})", found->by, found->ranks, found->variable), world);
}

} // namespace ptychoscale
