#pragma once

#include "ptychoscale/compute/backend.hpp"

#include <memory>

namespace ptychoscale {

/// Host memory, FFTW lines and OpenMP. Results do not depend on the number of threads: every row and column
/// block is computed alike whoever computes it, and sums run in a fixed order.
[[nodiscard]] std::unique_ptr<Backend> make_cpu_backend(const BackendOptions& options);

} // namespace ptychoscale
