#pragma once

namespace ptychoscale {

/// From now on SIGINT and SIGTERM only raise a flag, so that a run can stop cleanly; a second one kills as
/// usual.
void watch_for_interruption();
[[nodiscard]] bool interrupted();

} // namespace ptychoscale
