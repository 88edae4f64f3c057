#pragma once

#include <filesystem>

namespace ptychoscale {

/// The folder with the project's own files (bench/cases, bench/harness and so on): share/ptychoscale beside
/// the folder of an installed program, else the sources that it was built from.
[[nodiscard]] std::filesystem::path home();

} // namespace ptychoscale
