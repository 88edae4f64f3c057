#pragma once

#include "ptychoscale/base/error.hpp"

#include <cstdint>
#include <filesystem>
#include <string>

namespace ptychoscale {

/// A file being written and the bytes it will have. Its failures are the user's business (disk, quota,
/// permission): they become InputErrors that name the file, what it needs and what is there.
class OutputFile {
public:
  [[nodiscard]] OutputFile(std::filesystem::path file, std::uintmax_t bytes);
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

  /// Creates the file if need be and has the file system set its bytes aside, where it can. Throws
  /// InputError, too, when another run is writing the file.
  void reserve() const;
  [[noreturn]] void fail(const std::string& reason) const;
  /// Runs library calls that write to the file.
  template <class Step> void writing(const Step& step) const {
    try {
      step();
    } catch (const RunError& e) {
      fail(e.what());
    }
  }
  /// The file has its new name once its bytes are on the disk, and returns when the name is, too.
  void rename_to(const std::filesystem::path& name) const;
  /// Removes the file if it is there.
  void remove() const noexcept;

private:
  void reserve_in_place() const;
  std::filesystem::path path_;
  std::uintmax_t bytes_;
};

} // namespace ptychoscale
