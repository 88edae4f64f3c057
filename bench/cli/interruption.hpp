#pragma once

namespace ptychoscale {

/// From now on SIGINT and SIGTERM only raise a flag, so that a run can stop cleanly; a second one kills as
/// usual.
void watch_for_interruption();
[[nodiscard]] bool interrupted();
/// Signals kill again: for a process that only waits to be ended.
void stop_watching_for_interruption();

} // namespace ptychoscale
