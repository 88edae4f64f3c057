#pragma once

#include "ptychoscale/reconstruct/reconstruct.hpp"

#include <CLI/CLI.hpp>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace ptychoscale {

/// What the user says about checkpoints.
struct CheckpointOptions {
  std::string every = "15min";
  bool chosen = false; ///< whether `every` was given
  bool resume = false;
};
void add_checkpoint_options(CLI::App& command, CheckpointOptions& options);

/// Where the checkpoints of a reconstruction lie.
[[nodiscard]] std::filesystem::path checkpoint_folder(const std::filesystem::path& output);

/// When a run makes checkpoints, and on which signals; without `conditions`. Nothing when it makes none.
[[nodiscard]] std::optional<CheckpointPolicy> checkpoint_policy(const CheckpointOptions& options,
                                                                const std::filesystem::path& output);

/// Asks the disk for room for both checkpoints beside the output, which takes so many bytes of the same disk.
/// Throws InputError when there is too little and the user has asked for checkpoints; warns otherwise, since
/// a short run makes none.
void check_room(const CheckpointOptions& options, const std::filesystem::path& output,
                std::uintmax_t output_bytes, std::uintmax_t checkpoint_bytes);

/// What the results of a run follow from: how it is set up, its data, what computes it.
[[nodiscard]] std::vector<Condition>
conditions_of(const ReconstructionOptions& options, const ReconstructionPlan& plan,
              const BackendOptions& backend, const std::string& description,
              const std::filesystem::path& dataset, const std::string& content_hash);

/// The checkpoint to go on from, if the user wants that and there is one; says what happens. Throws
/// InputError for one of another run, or one that is beyond `iterations`. Collective.
[[nodiscard]] std::optional<Checkpoint> checkpoint_to_resume(const Communicator& comm,
                                                             const CheckpointOptions& options,
                                                             const std::filesystem::path& output,
                                                             const std::vector<Condition>& conditions,
                                                             int iterations);

/// Says how a stopped run goes on, and gives its exit code. Throws RunError when it cannot, since no
/// checkpoint was ever written. Collective.
[[nodiscard]] int end_stopped(const Communicator& comm, const Stopped& stopped,
                              const std::filesystem::path& output, int iterations);

} // namespace ptychoscale
