#pragma once

#include <cstddef>
#include <string_view>

namespace ptychoscale {

/// Seconds that `times` copies of `bytes` take within the memory of a backend, all done on return: what the
/// machine can move at best, by its vendor's own means.
[[nodiscard]] double seconds_of_copies(std::string_view backend, void* to, const void* from,
                                       std::size_t bytes, int times);

} // namespace ptychoscale
