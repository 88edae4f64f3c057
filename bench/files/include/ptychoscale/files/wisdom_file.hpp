#pragma once

#include "ptychoscale/compute/backend.hpp"

#include <filesystem>

namespace ptychoscale {

/// Where FFTW's wisdom is kept between runs unless the user names a file:
/// $XDG_CACHE_HOME/ptychoscale/wisdom-LIBRARY.json, one for each version of FFTW, or the same below ~/.cache;
/// empty when there is no home.
[[nodiscard]] std::filesystem::path default_wisdom_file();

/// Hands the file's wisdom to the backend; a missing file is no wisdom. One that holds something else, is
/// damaged, or is of another FFTW or processor is an InputError, but at the default place a warning on
/// stderr: it is a cache.
void load_wisdom(Backend& backend, const std::filesystem::path& file);

/// Writes what the backend knows, whole or not at all; one that knows nothing leaves the file alone. Warns on
/// stderr when it cannot: the next run measures again, and may then differ from this one in the last bits.
void save_wisdom(const Backend& backend, const std::filesystem::path& file);

} // namespace ptychoscale
