#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace ptychoscale {

/// The words of a launcher template such as "mpirun -n {ranks}", with the number filled in. Throws InputError
/// when it lacks {ranks}.
[[nodiscard]] std::vector<std::string> launcher_words(const std::string& launcher, int ranks);

/// This executable's path, for launching it again.
[[nodiscard]] std::string own_executable();

/// What run_logged() gives for a program that could not be started.
inline constexpr int exit_not_started = 127;

/// Runs a program (no shell) with stdout and stderr in `log`; gives its exit code, 128 + signal if it was
/// killed, exit_not_started if it could not be started. It is told to stop when this process ends. `threads`
/// becomes OMP_NUM_THREADS, and unless the user has said otherwise Open MPI may not bind ranks to single
/// cores, where their threads would share one.
[[nodiscard]] int run_logged(const std::vector<std::string>& command, int threads,
                             const std::filesystem::path& log);

} // namespace ptychoscale
