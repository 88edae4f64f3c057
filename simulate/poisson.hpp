#pragma once

#include <array>
#include <cstdint>

namespace ptychoscale {

/// A Poisson-distributed count with mean `mean` >= 0, a pure function of (mean, seed, stream): draws come
/// from blocks of `philox` with counter {stream, draw}. By inversion below a mean of 10, above by transformed
/// rejection: W. Hoermann, Insurance: Mathematics and Economics 12, 39 (1993), algorithm PTRS.
[[nodiscard]] double poisson(double mean, std::uint64_t seed, std::array<std::uint32_t, 3> stream);

} // namespace ptychoscale
