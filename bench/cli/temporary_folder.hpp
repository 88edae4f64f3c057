#pragma once

#include <optional>
#include <string>

namespace ptychoscale {

/// Says in one line that the folder of temporary files, where MPI libraries keep some of theirs, takes none;
/// to be asked before MPI starts, which would end the process in many words. Nothing where it takes them, and
/// where it is not there, since MPI then makes it.
[[nodiscard]] std::optional<std::string> complaint_of_temporary_folder();

} // namespace ptychoscale
