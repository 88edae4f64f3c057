#pragma once

#include "ptychoscale/compute/backend.hpp"

#include <memory>

namespace ptychoscale {

/// One GPU, one stream for the verbs and one for load(), slice steps as options.kernels says; exchange
/// buffers are pinned host memory that kernels pack into and MPI sends from. Results are the same from run to
/// run: no atomics. Throws InputError without a usable GPU.
[[nodiscard]] std::unique_ptr<Backend> make_cuda_backend(const BackendOptions& options);

} // namespace ptychoscale
