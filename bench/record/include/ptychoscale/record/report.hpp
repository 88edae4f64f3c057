#pragma once

#include "ptychoscale/reconstruct/reconstruct.hpp"
#include "ptychoscale/record/assessment.hpp"
#include "ptychoscale/record/load.hpp"

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace ptychoscale {

/// Where the patterns came from; both empty when there were none.
struct DatasetSource {
  std::filesystem::path file;
  std::string hash;
};

/// All that a report says about one run of a solver; references must outlive the call.
struct RunReport {
  const std::vector<std::string>& argv;
  const DatasetHeader& header;
  DatasetSource source;
  const ReconstructionOptions& options;
  const ReconstructionPlan& plan;
  const Reconstruction& result;
  const std::string& backend;    ///< its description
  int threads = 1;               ///< of each rank, as OpenMP gave them; where ranks differ, the fewest
  std::vector<RankPlace> places; ///< by rank
  std::optional<Assessment> assessment;
  std::optional<int> as_rank; ///< the one rank of many that ran, its neighbours not being there
};

/// Whether everything is told, or only what the same command gives again (no times, hosts, dates): that part
/// is stored inside the reconstruction, whose bytes must not depend on when and where it was made.
enum class ReportDetail { full, reproducible };

/// The run as JSON: `context`, and one row in `benchmarks`; the envelope of Google Benchmark.
[[nodiscard]] std::string report_json(const RunReport& report, ReportDetail detail);

/// Whether the run did what a reconstruction does: its cost stayed finite and fell, or had nowhere to fall to
/// since the patterns are those of the empty specimen but for rounding.
[[nodiscard]] bool verified(const Reconstruction& result, std::size_t patterns);

} // namespace ptychoscale
