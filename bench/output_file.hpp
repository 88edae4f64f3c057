#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace ptychoscale {

/// Checks, before hours of computing, that `file` can be written and that its disk has room for `bytes`.
/// Throws InputError naming the file and what is wrong.
void check_output(const std::filesystem::path& file, std::int64_t bytes);

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
