#pragma once

namespace ptychoscale {

/// From now on SIGINT and SIGTERM only raise a flag, so that a run can stop cleanly; a second one kills as
/// usual.
void watch_for_interruption();
/// From now on the signals that schedulers send before a time limit only raise a flag: SIGUSR1 and SIGUSR2,
/// which never kill, since launchers and schedulers may both pass them on, and SIGTERM, whose second one
/// does.
void watch_for_stop();
/// Whether a signal that is watched for has come.
[[nodiscard]] bool raised(int signal);
/// SIGINT or SIGTERM has.
[[nodiscard]] bool interrupted();
/// Signals kill again: for a process that only waits to be ended.
void stop_watching_for_interruption();

} // namespace ptychoscale
