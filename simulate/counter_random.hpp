#pragma once

#include <array>
#include <cstdint>

namespace ptychoscale {

/// What random numbers are for; keeps the streams of one seed apart.
enum class RandomStream : std::uint32_t { vacancy = 1, disorder = 2, vibration = 3, counting = 4, jitter = 5 };

/// Four random words from a counter and a key: Philox4x32-10, Salmon, Moraes, Dror and Shaw, SC11 (2011). A
/// pure function, so that any site or pixel can be drawn on its own, in any order, on any rank.
[[nodiscard]] std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter, std::uint64_t key);

/// A uniform number in (0, 1) from one word or, with 52 bits, from two.
[[nodiscard]] double uniform(std::uint32_t word);
[[nodiscard]] double uniform(std::uint32_t high, std::uint32_t low);

/// Three independent standard normal numbers from one block (Box-Muller); none exceeds `largest_normal` in
/// size.
[[nodiscard]] std::array<double, 3> normals(const std::array<std::uint32_t, 4>& words);
inline constexpr double largest_normal = 6.77; ///< sqrt(-2 ln 2^-33), rounded up

} // namespace ptychoscale
