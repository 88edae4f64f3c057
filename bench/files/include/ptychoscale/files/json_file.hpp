#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace ptychoscale {

/// The text of a JSON file that check_json() lets pass; `kind` is what the file should be, for people. Throws
/// InputError naming the file and what is wrong with it.
[[nodiscard]] std::string read_json(const std::filesystem::path& file,
                                    std::string_view kind = "a file in JSON");

} // namespace ptychoscale
