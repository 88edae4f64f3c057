#pragma once

#include "ptychoscale/compute/backend.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace ptychoscale {

/// One comparison with a reference: relative L2 error and the largest allowed.
struct GoldenCheck {
  std::string what;
  double error = 0;
  double limit = 0;
  [[nodiscard]] bool passed() const { return error <= limit; } // false for NaN
};

/// Compares probe, waves, patterns, potential, cost and gradient with an independent reference
/// (validation/golden/README.md has the layout). Every parameter comes from the file: its first axis, which
/// it calls x, is y here, and its second is x. Throws InputError for a file of another layout.
[[nodiscard]] std::vector<GoldenCheck> check_golden(const std::filesystem::path& file, Backend& backend);

} // namespace ptychoscale
