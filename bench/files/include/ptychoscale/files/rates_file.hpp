#pragma once

#include "ptychoscale/compute/kernel_rates.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace ptychoscale {

/// Kernel rates as a report: one row per verb and size.
[[nodiscard]] std::string rates_json(const KernelRates& rates, const std::vector<std::string>& argv);

/// Throws InputError naming the file and the row for anything that is not such a report.
[[nodiscard]] KernelRates read_rates(const std::filesystem::path& file);

} // namespace ptychoscale
