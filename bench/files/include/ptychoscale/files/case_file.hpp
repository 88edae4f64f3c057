#pragma once

#include "ptychoscale/simulate/simulation.hpp"

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace ptychoscale {

/// One file of bench/cases: a dataset to simulate and how long to reconstruct it.
struct Case {
  std::string description;
  SimulationParameters simulation;
  int iterations = 10; ///< of a benchmark, unless told otherwise
  /// What those iterations must bring: by method, the least ratio of the empty volume's cost to the last one.
  std::map<std::string, double> cost_fall;
};

/// Reads a case: a name out of bench/cases, or the path of a JSON file. Lengths are in the units that the
/// keys end in, pairs are [y, x]. Throws InputError naming file and key for anything missing, unknown, there
/// twice or of the wrong type.
[[nodiscard]] Case load_case(const std::string& name_or_file);

[[nodiscard]] std::vector<std::string> case_names();

} // namespace ptychoscale
