#pragma once

namespace ptychoscale {

/// Threads that OpenMP gives this process when it asks for `wanted`: at least 1, and fewer than wanted where
/// OMP_THREAD_LIMIT or the system allows no more.
[[nodiscard]] int threads_given(int wanted);

} // namespace ptychoscale
