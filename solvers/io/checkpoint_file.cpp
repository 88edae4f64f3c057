#include "ptychoscale/io/checkpoint_file.hpp"

#include "hash.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace ptychoscale {
namespace {

constexpr std::string_view layout = "ptychoscale ckp2";
constexpr std::size_t block_bytes = std::size_t{1} << 20;
constexpr std::size_t trailer_bytes = 2 * sizeof(std::uint64_t);

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

[[noreturn]] void fail_to_write(const std::filesystem::path& file) {
  throw InputError(fmt::format("cannot write '{}': {}", file.string(), std::strerror(errno)));
}

} // namespace

CheckpointWriter::CheckpointWriter(std::filesystem::path file, std::string_view label)
    : file_(std::move(file)),
      descriptor_(::open(file_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666)),
      block_(block_bytes) {
  if (descriptor_ < 0) fail_to_write(file_);
  const std::uint64_t length = label.size();
  write(bytes_of(layout));
  write(std::as_bytes(std::span(&length, 1)));
  write(bytes_of(label));
}

CheckpointWriter::~CheckpointWriter() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void CheckpointWriter::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const auto n = ::write(descriptor_, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail_to_write(file_);
    bytes = bytes.subspan(static_cast<std::size_t>(n));
    written_ += static_cast<std::uint64_t>(n);
  }
}

void CheckpointWriter::write_block() {
  const std::span<const std::byte> block(block_.data(), filled_);
  if (block.empty()) return;
  hash_ = murmur64(block, hash_);
  write(block);
  payload_ += filled_;
  filled_ = 0;
}

void CheckpointWriter::add(std::span<const std::byte> bytes) {
  add(bytes.size(), [&](std::size_t offset, std::span<std::byte> piece) {
    std::memcpy(piece.data(), bytes.data() + offset, piece.size());
  });
}

void CheckpointWriter::add(std::size_t bytes,
                           const std::function<void(std::size_t, std::span<std::byte>)>& fill) {
  for (std::size_t offset = 0; offset < bytes;) {
    const auto n = std::min(bytes - offset, block_.size() - filled_);
    fill(offset, {block_.data() + filled_, n});
    filled_ += n;
    offset += n;
    if (filled_ == block_.size()) write_block();
  }
}

std::uint64_t CheckpointWriter::finish() {
  write_block();
  const std::array trailer{payload_, hash_};
  write(std::as_bytes(std::span(trailer)));
  if (::fsync(descriptor_) != 0) fail_to_write(file_);
  if (::close(std::exchange(descriptor_, -1)) != 0) fail_to_write(file_);
  return written_;
}

CheckpointReader::CheckpointReader(std::filesystem::path file, std::string_view label)
    : file_(std::move(file)), descriptor_(::open(file_.c_str(), O_RDONLY | O_CLOEXEC)), block_(block_bytes) {
  if (descriptor_ < 0) damaged(std::strerror(errno));
  try {
    struct stat known {};
    const auto head = layout.size() + sizeof(std::uint64_t) + label.size();
    if (::fstat(descriptor_, &known) != 0 || static_cast<std::uint64_t>(known.st_size) < head + trailer_bytes)
      damaged("it is too short");
    payload_ = unread_ = static_cast<std::uint64_t>(known.st_size) - head - trailer_bytes;
    std::string said(head, '\0');
    read_exactly(std::as_writable_bytes(std::span(said.data(), said.size())));
    const std::uint64_t length = label.size();
    if (!said.starts_with(layout)) damaged("it is of another layout");
    if (std::memcmp(said.data() + layout.size(), &length, sizeof length) != 0 || !said.ends_with(label))
      damaged("it is of another checkpoint");
  } catch (...) {
    ::close(descriptor_);
    throw;
  }
}

CheckpointReader::~CheckpointReader() { ::close(descriptor_); }

void CheckpointReader::damaged(std::string_view how) const {
  throw InputError(fmt::format("'{}' is damaged: {}", file_.string(), how));
}

void CheckpointReader::read_exactly(std::span<std::byte> bytes) {
  while (!bytes.empty()) {
    const auto n = ::read(descriptor_, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) damaged(n < 0 ? std::strerror(errno) : "it is too short");
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
}

void CheckpointReader::read_block() {
  available_ = static_cast<std::size_t>(std::min<std::uint64_t>(unread_, block_.size()));
  used_ = 0;
  if (available_ == 0) damaged("it is too short");
  const std::span block(block_.data(), available_);
  read_exactly(block);
  hash_ = murmur64(block, hash_);
  unread_ -= available_;
}

void CheckpointReader::read(std::span<std::byte> bytes) {
  read(bytes.size(), [&](std::size_t offset, std::span<const std::byte> piece) {
    std::memcpy(bytes.data() + offset, piece.data(), piece.size());
  });
}

void CheckpointReader::read(std::size_t bytes,
                            const std::function<void(std::size_t, std::span<const std::byte>)>& take) {
  for (std::size_t offset = 0; offset < bytes;) {
    if (used_ == available_) read_block();
    const auto n = std::min(bytes - offset, available_ - used_);
    take(offset, {block_.data() + used_, n});
    used_ += n;
    offset += n;
  }
}

void CheckpointReader::finish() {
  while (unread_ > 0) read_block();
  std::array<std::uint64_t, 2> trailer{};
  read_exactly(std::as_writable_bytes(std::span(trailer)));
  if (trailer != std::array{payload_, hash_}) damaged("its checksum is of other bytes");
}

} // namespace ptychoscale
