#pragma once

#include <cstddef>

// Counts what code that was compiled with -fsanitize=thread reads and writes: the compiler calls a function
// before each access, and here these functions are ours.
namespace ptychoscale::kernels {

/// From now on, accesses to these bytes count; what was counted so far is forgotten with the first of them.
/// @{
void watch_only(const void* begin, std::size_t bytes);
void watch_too(const void* begin, std::size_t bytes);
/// @}

/// Bytes read plus bytes written of what is watched.
std::size_t counted_bytes();

} // namespace ptychoscale::kernels
