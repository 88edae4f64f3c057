#pragma once

#include <filesystem>

namespace ptychoscale {

/// What must survive a power cut reaches the disk before it is named: first the bytes of a file, then, once
/// it was renamed, its folder. Both throw InputError naming what the disk does not take.

/// Has the disk keep what was written to a file.
void sync_file(const std::filesystem::path& file);

/// Has the disk keep the names that were made, changed or removed in a folder.
void sync_folder(const std::filesystem::path& folder);

} // namespace ptychoscale
