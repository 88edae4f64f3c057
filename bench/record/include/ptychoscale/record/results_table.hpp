#pragma once

#include <string>
#include <string_view>

namespace ptychoscale {

/// A report as a table for people: one column per run, one line per quantity with its unit. A failed run
/// shows its reason.
[[nodiscard]] std::string results_table(std::string_view report_json);

} // namespace ptychoscale
