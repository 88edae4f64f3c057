#pragma once

#include "ptychoscale/base/box.hpp"

#include <array>
#include <bit>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ptychoscale {

/// What one voxel adds to its slice's hash: the finaliser of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014)
/// of its bits and of its place, `pixel` = y nx + x of the slice. A slice's hash is the sum modulo 2^64, so
/// that ranks hash their own cores in any order.
[[nodiscard]] constexpr std::uint64_t voxel_hash(std::uint64_t pixel, float value) {
  constexpr std::uint64_t golden = 0x9e3779b97f4a7c15;
  std::uint64_t z = (pixel + 1) * golden + std::bit_cast<std::uint32_t>(value);
  z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27U)) * 0x94d049bb133111eb;
  return z ^ (z >> 31U);
}

/// Sum over `values`, pixels [first, first + size) of a slice.
[[nodiscard]] constexpr std::uint64_t voxel_hash(std::uint64_t first, std::span<const float> values) {
  std::uint64_t sum = 0;
  for (const float value : values) sum += voxel_hash(first++, value);
  return sum;
}

/// Of one slice: of its potential and of its phase.
using SliceHashes = std::vector<std::array<std::uint64_t, 2>>;

/// What a reconstruction says beside its voxels.
struct ReconstructionHeader {
  std::array<int, 2> mesh{}; ///< rows, columns
  double sigma = 0;
  std::span<const double> cost;
  std::string_view report;
  std::span<const Box> cores;
};
/// Digest of it, which the file stores.
[[nodiscard]] std::string header_hash(const ReconstructionHeader& header);

} // namespace ptychoscale
