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
  /// Quality at which methods are compared, by name (relative_rmse, cost): how much one takes to get there.
  std::map<std::string, double> targets;
};

/// The relative RMSE that a case asks for unless it says: 5 %, and what counting noise leaves of the
/// potential on top, 30 over the root of the dose (electrons per square angstrom; 0: no noise), but no more
/// than 65 %.
///
/// The slope is that of the best volumes seen on PbTiO3 at 1e3 to 1e5, and a tenth more.
[[nodiscard]] double target_rmse(double dose_e_per_A2);

/// Reads a case: a name out of bench/cases, or the path of a JSON file. Lengths are in the units that the
/// keys end in, pairs are [y, x]. Throws InputError naming file and key for anything missing, unknown, there
/// twice or of the wrong type.
[[nodiscard]] Case load_case(const std::string& name_or_file);

[[nodiscard]] std::vector<std::string> case_names();

} // namespace ptychoscale
