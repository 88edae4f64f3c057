#pragma once

#include <filesystem>

namespace ptychoscale {

/// Where what is written to `file` comes to lie: the file itself, or what its symbolic links lead to, there
/// yet or not. A file that appears whole is written beside its place and renamed, which would replace a link,
/// and a device or a pipe, by a plain file. Throws InputError for a directory, a device, a pipe or a socket,
/// naming what it is, and for links that lead in a circle.
[[nodiscard]] std::filesystem::path output_target(const std::filesystem::path& file);

} // namespace ptychoscale
