#pragma once

#include <optional>
#include <string>

namespace ptychoscale {

/// Says in one line that the folder of temporary files, where Open MPI keeps some of its own, takes none; to
/// be asked before MPI starts, which would end the process in many words. Nothing where it takes them, where
/// it is not there, since Open MPI then makes it, and for other MPI libraries.
[[nodiscard]] std::optional<std::string> complaint_of_temporary_folder();

} // namespace ptychoscale
