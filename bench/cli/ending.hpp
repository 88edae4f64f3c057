#pragma once

#include "ptychoscale/comm/communicator.hpp"

#include <string>
#include <string_view>

namespace ptychoscale {

/// Exit codes of every command.
inline constexpr int exit_ok = 0;
inline constexpr int exit_failed = 1;        ///< the run or a check failed
inline constexpr int exit_input = 2;         ///< the user's input cannot be used
inline constexpr int exit_stopped = 75;      ///< by a signal, after a checkpoint: EX_TEMPFAIL, try again
inline constexpr int exit_interrupted = 130; ///< 128 + SIGINT, as shells have it

/// Ends a command after an error: prints its one line and gives the exit code. Among several ranks it ends
/// the whole job, so that none waits for this one; the lowest failing rank is the one that prints, the others
/// give it a moment in which they are ended.
[[nodiscard]] int end_with_error(const Communicator* comm, std::string_view message, int exit_code);

/// Ends a command after an error that every rank finds by itself, before MPI starts: the first says it, the
/// others give it a moment and are silent. Gives the exit code.
[[nodiscard]] int end_before_mpi(std::string_view message, int exit_code);

/// Says on standard error what a user should know of a run that goes on.
void warn(std::string_view message);

/// Writes out what has been printed so far. Throws RunError when standard output did not take all of it.
void finish_standard_output();
/// The message of an error, made to name standard output when that is where printing failed.
[[nodiscard]] std::string name_standard_output(std::string_view message);

} // namespace ptychoscale
