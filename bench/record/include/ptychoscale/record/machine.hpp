#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace ptychoscale {

/// The machine a process runs on.
struct Machine {
  std::string host;
  std::string cpu; ///< model name
  int cores = 1;   ///< hardware threads this process may use
};
[[nodiscard]] Machine this_machine();

/// Hardware threads of this host, whoever may use them.
[[nodiscard]] int online_cores();

/// Cores this process is bound to, as a list of ranges ("0-3,8").
[[nodiscard]] std::string core_binding();

/// Processor time that the control group of this process may use, in cores; none when it is not limited. The
/// arguments are for tests: which groups this process is in, and where their limits are.
[[nodiscard]] std::optional<double> cpu_quota(const std::filesystem::path& groups = "/proc/self/cgroup",
                                              const std::filesystem::path& limits = "/sys/fs/cgroup");

/// Clock of the cores that this process may use, their mean in MHz; none where the system does not say.
[[nodiscard]] std::optional<double> clock_MHz();

/// What OMP_NUM_THREADS says; none when it is not set, or no number of 1 or more.
[[nodiscard]] std::optional<int> threads_in_environment();

/// Threads for each of `ranks_on_host` processes that share this machine, at least 1: what OMP_NUM_THREADS
/// says, else a fair share of the cores that Slurm, LSF, a control group or the binding of this process
/// leaves. It is asked on the host that computes: the one that starts the ranks may be another.
[[nodiscard]] int default_threads(int ranks_on_host);

} // namespace ptychoscale
