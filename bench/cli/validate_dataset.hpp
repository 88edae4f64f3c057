#pragma once

#include <filesystem>

namespace ptychoscale {

/// Whether a sound dataset that has no content hash gets one.
enum class Sealing { never, when_sound };

/// Looks for everything that would make figures of a dataset wrong and prints one table; gives the exit code:
/// 1 when a check failed, and only then. Reads the whole file, its patterns twice. Throws InputError when it
/// cannot be read as a dataset at all.
[[nodiscard]] int validate_dataset(const std::filesystem::path& file, Sealing sealing);

} // namespace ptychoscale
