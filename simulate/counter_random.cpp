#include "counter_random.hpp"

#include <cmath>
#include <numbers>

namespace ptychoscale {

std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter, std::uint64_t key) {
  constexpr std::uint64_t multiplier0 = 0xD2511F53;
  constexpr std::uint64_t multiplier1 = 0xCD9E8D57;
  auto key0 = static_cast<std::uint32_t>(key);
  auto key1 = static_cast<std::uint32_t>(key >> 32);
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t product0 = multiplier0 * counter[0];
    const std::uint64_t product1 = multiplier1 * counter[2];
    counter = {
        static_cast<std::uint32_t>(product1 >> 32) ^ counter[1] ^ key0, static_cast<std::uint32_t>(product1),
        static_cast<std::uint32_t>(product0 >> 32) ^ counter[3] ^ key1, static_cast<std::uint32_t>(product0)};
    key0 += 0x9E3779B9;
    key1 += 0xBB67AE85;
  }
  return counter;
}

double uniform(std::uint32_t word) { return (word + 0.5) * 0x1p-32; }

double uniform(std::uint32_t high, std::uint32_t low) {
  const std::uint64_t bits = (static_cast<std::uint64_t>(high) << 32 | low) >> 12;
  return (static_cast<double>(bits) + 0.5) * 0x1p-52;
}

std::array<double, 3> normals(const std::array<std::uint32_t, 4>& words) {
  const double radius0 = std::sqrt(-2 * std::log(uniform(words[0])));
  const double radius1 = std::sqrt(-2 * std::log(uniform(words[2])));
  const double angle0 = 2 * std::numbers::pi * uniform(words[1]);
  const double angle1 = 2 * std::numbers::pi * uniform(words[3]);
  return {radius0 * std::cos(angle0), radius0 * std::sin(angle0), radius1 * std::cos(angle1)};
}

} // namespace ptychoscale
