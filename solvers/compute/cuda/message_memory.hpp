#pragma once

#include "ptychoscale/compute/backend.hpp"

namespace ptychoscale::cuda {

/// Where packed messages lie: where the options say, else on the GPU when MPI takes them from there. Throws
/// InputError for the GPU's memory when MPI does not.
[[nodiscard]] MessageMemory choose_message_memory(const BackendOptions& options);

/// "messages from pinned host memory", for reports.
[[nodiscard]] const char* describe(MessageMemory memory);

} // namespace ptychoscale::cuda
