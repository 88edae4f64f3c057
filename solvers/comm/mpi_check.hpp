#pragma once

#include <cstddef>

namespace ptychoscale {

/// Throws RunError with the library's own text unless `code`, returned by the MPI function `call`, is
/// success.
void check_mpi(int code, const char* call);

/// `n` as an MPI count; throws RunError above the largest int.
[[nodiscard]] int mpi_count(std::size_t n);

} // namespace ptychoscale
