#pragma once

#include "ptychoscale/reconstruct/reconstruct.hpp"

#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace ptychoscale {

/// The solver as the user describes it; what needs more than a word is still text.
struct SolverOptions {
  std::string rounds; ///< empty: as the update rule has it
  std::string mesh;
  std::optional<double> halo_pm;
  double exchange_MB = 0;
  ReconstructionOptions chosen;
};

void add_method_option(CLI::App& command, SolverOptions& options);
/// All but the method.
void add_solver_options(CLI::App& command, SolverOptions& options);

/// Throws InputError for text that means nothing and options that exclude each other.
[[nodiscard]] ReconstructionOptions resolve(const SolverOptions& options);

/// Whose memory is too little.
enum class OnGpu { no, yes };

/// What `reconstruct` offers with these options when a GPU, or a host, has too little memory.
[[nodiscard]] std::vector<MemorySaving> memory_savings(const ReconstructionOptions& options, OnGpu gpu);

} // namespace ptychoscale
