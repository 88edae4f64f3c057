#pragma once

#include <filesystem>

namespace ptychoscale {

/// Looks for everything that would make figures of a dataset wrong and prints one table; gives the exit code:
/// 1 when a check failed, and only then. Reads the whole file, its patterns twice. Throws InputError when it
/// cannot be read as a dataset at all.
[[nodiscard]] int validate_dataset(const std::filesystem::path& file);

} // namespace ptychoscale
