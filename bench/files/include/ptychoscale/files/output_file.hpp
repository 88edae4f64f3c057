#pragma once

#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <string>
#include <string_view>

namespace ptychoscale {

/// Checks, before hours of computing, that `file` can be written and that its disk has room for `bytes`.
/// Links are followed, see output_target(). Throws InputError naming the file and what is wrong.
void check_output(const std::filesystem::path& file, std::int64_t bytes);

/// A file, and the option that names it.
struct NamedFile {
  std::string_view option;
  std::filesystem::path file;
};

/// Throws InputError when writing `output` would destroy one of the others. Those without a name are not
/// there, and - is standard output.
void check_apart(const NamedFile& output, std::initializer_list<NamedFile> others);

/// Writes a small text file so that it appears whole or not at all. Throws InputError when it cannot.
void write_text(const std::filesystem::path& file, std::string_view text);

/// What --json may say: nothing, a file, or - for standard output.
/// @{
/// As check_output(), when it is a file.
void check_json(const std::string& target);
/// Writes or prints `json`; gives whether it was printed, so that nothing else may be.
[[nodiscard]] bool deliver_json(const std::string& target, std::string_view json);
/// @}

} // namespace ptychoscale
