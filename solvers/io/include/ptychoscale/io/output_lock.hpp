#pragma once

#include <filesystem>

namespace ptychoscale {

/// Keeps other runs from making the same file, from its construction to its end: `<file>.lock`, locked by
/// this process, so that one which a killed run left behind stops nobody.
class OutputLock {
public:
  /// Throws InputError naming `file` when another run holds the lock, or when there can be none.
  [[nodiscard]] explicit OutputLock(const std::filesystem::path& file);
  ~OutputLock();
  OutputLock(OutputLock&& other) noexcept;
  OutputLock& operator=(OutputLock&&) = delete;
  /// Whether the file system has locks at all; without them nothing is kept apart.
  [[nodiscard]] bool effective() const { return effective_; }

private:
  std::filesystem::path lock_;
  int descriptor_ = -1;
  bool effective_ = true;
};

} // namespace ptychoscale
