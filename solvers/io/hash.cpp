#include "hash.hpp"

#include <fmt/format.h>

namespace ptychoscale {

std::uint64_t murmur64(std::span<const std::byte> bytes, std::uint64_t seed) {
  constexpr std::uint64_t m = 0xc6a4a7935bd1e995ULL;
  constexpr int r = 47;
  std::uint64_t h = seed ^ (bytes.size() * m);
  const std::size_t words = bytes.size() / 8;
  for (std::size_t i = 0; i < words; ++i) {
    std::uint64_t k = 0;
    std::memcpy(&k, bytes.data() + 8 * i, 8);
    k *= m;
    k ^= k >> r;
    k *= m;
    h ^= k;
    h *= m;
  }
  if (const std::size_t rest = bytes.size() % 8; rest != 0) {
    std::uint64_t k = 0;
    std::memcpy(&k, bytes.data() + 8 * words, rest);
    h ^= k;
    h *= m;
  }
  h ^= h >> r;
  h *= m;
  h ^= h >> r;
  return h;
}

std::string digest(std::span<const std::byte> bytes) {
  return fmt::format("{:016x}{:016x}", murmur64(bytes, 1), murmur64(bytes, 2));
}

std::string uuid_of(std::string_view digest) {
  return fmt::format("{}-{}-8{}-8{}-{}", digest.substr(0, 8), digest.substr(8, 4), digest.substr(13, 3),
                     digest.substr(17, 3), digest.substr(20, 12));
}

} // namespace ptychoscale
