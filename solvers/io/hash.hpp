#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace ptychoscale {

// Hashes and files are of little-endian bytes, taken as they lie in memory.
static_assert(std::endian::native == std::endian::little);

/// MurmurHash64A (Austin Appleby, public domain), eight bytes at a time: tells contents apart, does not
/// resist an attacker.
[[nodiscard]] std::uint64_t murmur64(std::span<const std::byte> bytes, std::uint64_t seed);

/// 128 bits as 32 hexadecimal digits: the same bytes under two seeds.
[[nodiscard]] std::string digest(std::span<const std::byte> bytes);

/// A version-8 (own content) UUID made of a digest.
[[nodiscard]] std::string uuid_of(std::string_view digest);

/// Fields laid end to end, each array with its length in front, so that different records never give the same
/// bytes.
class Record {
public:
  template <class T>
  requires std::is_trivially_copyable_v<T>
  void add(const T& value) { append(std::as_bytes(std::span(&value, 1))); }
  template <class T> void add_array(std::span<const T> values) {
    add(static_cast<std::uint64_t>(values.size()));
    append(std::as_bytes(values));
  }
  void add_text(std::string_view text) { add_array(std::span(text.data(), text.size())); }
  [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }

private:
  void append(std::span<const std::byte> more) { bytes_.insert(bytes_.end(), more.begin(), more.end()); }
  std::vector<std::byte> bytes_;
};

} // namespace ptychoscale
