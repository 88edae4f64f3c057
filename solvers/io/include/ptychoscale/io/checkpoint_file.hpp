#pragma once

#include "ptychoscale/base/error.hpp"
#include "ptychoscale/base/memory_meter.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace ptychoscale {

/// The files of a checkpoint: bytes in a row that are either all there and right, or not there.
/// Little-endian, in this order:
///
///     16 bytes   "ptychoscale ckp2", which a new layout changes
///     8 bytes    length of the label
///     label      whose file it is, see below
///     payload
///     8 bytes    length of the payload
///     8 bytes    MurmurHash64A of the payload by blocks of 1 MiB, each seeded with the hash of those before
///
/// The label tells files of one checkpoint from those of another. Reading and writing take one block of
/// memory.

class CheckpointWriter {
public:
  /// Replaces the file. Like all others here it throws InputError, naming the file, when the disk does not
  /// take it.
  [[nodiscard]] CheckpointWriter(std::filesystem::path file, std::string_view label);
  ~CheckpointWriter();
  CheckpointWriter(const CheckpointWriter&) = delete;
  CheckpointWriter& operator=(const CheckpointWriter&) = delete;

  void add(std::span<const std::byte> bytes);
  /// Adds so many bytes, which `fill` gives piece by piece, each from its offset on.
  void add(std::size_t bytes,
           const std::function<void(std::size_t offset, std::span<std::byte> piece)>& fill);
  /// Ends the file and returns when it would survive a power cut; gives its bytes.
  [[nodiscard]] std::uint64_t finish();

private:
  void write(std::span<const std::byte> bytes);
  void write_block();

  std::filesystem::path file_;
  int descriptor_ = -1;
  MeteredVector<std::byte, MemoryLabel::other> block_;
  std::size_t filled_ = 0;
  std::uint64_t payload_ = 0;
  std::uint64_t hash_ = 0;
  std::uint64_t written_ = 0;
};

class CheckpointReader {
public:
  /// Throws InputError saying "is damaged" for a file that is too short, of another layout or of another
  /// label.
  [[nodiscard]] CheckpointReader(std::filesystem::path file, std::string_view label);
  ~CheckpointReader();
  CheckpointReader(const CheckpointReader&) = delete;
  CheckpointReader& operator=(const CheckpointReader&) = delete;

  [[nodiscard]] std::uint64_t payload_bytes() const { return payload_; }
  void read(std::span<std::byte> bytes);
  void read(std::size_t bytes,
            const std::function<void(std::size_t offset, std::span<const std::byte> piece)>& take);
  /// Reads what is left and throws InputError, saying "is damaged", unless all of the payload is as written.
  void finish();

private:
  void read_exactly(std::span<std::byte> bytes);
  void read_block();
  [[noreturn]] void damaged(std::string_view how) const;

  std::filesystem::path file_;
  int descriptor_ = -1;
  MeteredVector<std::byte, MemoryLabel::other> block_;
  std::size_t used_ = 0;      ///< of the block
  std::size_t available_ = 0; ///< in the block
  std::uint64_t payload_ = 0;
  std::uint64_t unread_ = 0; ///< of the payload, in the file
  std::uint64_t hash_ = 0;
};

/// @name Plain values as bytes. `fields(archive, value)` of a struct names its members once, for both.
/// @{
class Packer {
public:
  template <class T> void operator()(const T& value) {
    if constexpr (std::is_trivially_copyable_v<T>) {
      append(std::as_bytes(std::span(&value, 1)));
    } else {
      (*this)(static_cast<std::uint64_t>(value.size()));
      if constexpr (requires { requires std::is_trivially_copyable_v<typename T::value_type>; })
        append(std::as_bytes(std::span(value.data(), value.size())));
      else
        for (const auto& each : value) fields(*this, const_cast<typename T::value_type&>(each));
    }
  }
  [[nodiscard]] const std::vector<std::byte>& bytes() const { return bytes_; }

private:
  void append(std::span<const std::byte> more) { bytes_.insert(bytes_.end(), more.begin(), more.end()); }
  std::vector<std::byte> bytes_;
};

class Unpacker {
public:
  [[nodiscard]] explicit Unpacker(std::span<const std::byte> bytes) : left_(bytes) {}
  template <class T> void operator()(T& value) {
    if constexpr (std::is_trivially_copyable_v<T>) {
      take(std::as_writable_bytes(std::span(&value, 1)));
    } else {
      std::uint64_t size = 0;
      (*this)(size);
      if (size > left_.size()) throw InputError("its values are cut short"); // each takes a byte or more
      value.resize(size);
      if constexpr (requires { requires std::is_trivially_copyable_v<typename T::value_type>; })
        take(std::as_writable_bytes(std::span(value.data(), value.size())));
      else
        for (auto& each : value) fields(*this, each);
    }
  }

private:
  void take(std::span<std::byte> to) {
    if (to.size() > left_.size()) throw InputError("its values are cut short");
    if (!to.empty()) std::memcpy(to.data(), left_.data(), to.size());
    left_ = left_.subspan(to.size());
  }
  std::span<const std::byte> left_;
};
/// @}

} // namespace ptychoscale
