#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>

namespace ptychoscale {

/// Hashes of the parts of a dataset, by position and by slice.
struct PartHashes {
  std::map<int, std::uint64_t> patterns;
  std::map<int, std::uint64_t> slices;
};

/// What an unfinished dataset already holds, beside it in a small file of its own, so that a resumed dataset
/// ends with the same bytes as one written in one go. Records are appended after their data are on the disk;
/// one cut short by a kill is ignored. Whoever loads them holds the data against them: a power cut may have
/// left less.
class ProgressFile {
public:
  /// `identity` tells whether the unfinished file is of the same dataset.
  [[nodiscard]] ProgressFile(std::filesystem::path file, std::string_view identity);
  /// Reads what is there; false when there is nothing or it is of another identity.
  [[nodiscard]] bool load(PartHashes& parts) const;
  /// Whether a file is there whose first line is not as anyone wrote it.
  [[nodiscard]] bool is_damaged() const;
  /// Starts an empty file.
  void start() const;
  /// Throws InputError when the disk is full.
  void append(const PartHashes& parts) const;
  void remove() const;

private:
  std::filesystem::path file_;
  std::string head_; ///< the first line: identity and a hash of it
};

} // namespace ptychoscale
