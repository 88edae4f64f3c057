#include "threads.hpp"

#include "ptychoscale/comm/communicator.hpp"
#include "ptychoscale/compute/threads.hpp"
#include "ptychoscale/record/machine.hpp"

#include <fmt/format.h>

namespace ptychoscale {
namespace {

void warn(const std::string& what) { fmt::print(stderr, "ptychoscale: warning: {}\n", what); }

/// What was asked for is always named by where it was: the option, the environment, or nowhere.
std::string source_of(int asked, int wanted) {
  if (asked > 0) return fmt::format("--threads {}", wanted);
  if (threads_in_environment()) return fmt::format("OMP_NUM_THREADS={}", wanted);
  return fmt::format("{} threads wanted", wanted);
}

} // namespace

int ready_threads(int asked, const Communicator* comm) {
  const bool first = comm == nullptr || comm->rank() == 0;
  const bool first_of_host = comm == nullptr || comm->local_rank() == 0;
  const int wanted = asked > 0 ? asked : default_threads(comm == nullptr ? 1 : comm->local_size());
  const auto environment = threads_in_environment();
  if (first && asked > 0 && environment && *environment != asked)
    warn(fmt::format("--threads {} overrules OMP_NUM_THREADS={}", asked, *environment));
  const int given = threads_given(wanted);
  if (!first_of_host) return given;
  const auto machine = this_machine();
  const auto said = source_of(asked, wanted);
  if (given < wanted)
    warn(fmt::format("{}: OpenMP gives {} on {} (OMP_THREAD_LIMIT?)", said, given, machine.host));
  if (given > machine.cores)
    warn(fmt::format("{}: {} threads share {} core{} of {}", said, given, machine.cores,
                     machine.cores == 1 ? "" : "s", machine.host));
  return given;
}

} // namespace ptychoscale
