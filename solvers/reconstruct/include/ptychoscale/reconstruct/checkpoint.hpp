#pragma once

#include "ptychoscale/base/memory_meter.hpp"
#include "ptychoscale/base/phase_timer.hpp"
#include "ptychoscale/comm/communicator.hpp"
#include "ptychoscale/comm/exchange.hpp"

#include <array>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ptychoscale {

/// Something that a run's results follow from, in words.
struct Condition {
  std::string name;
  std::string value;
  bool decides = true; ///< whether another value is another result, or only a reason to say so
  bool operator==(const Condition&) const = default;
};

/// What checkpoints cost a run, on disk and in time.
struct CheckpointCost {
  int written = 0;
  double seconds = 0;     ///< of all of them; outside the iterations' times
  std::int64_t bytes = 0; ///< of the largest, all ranks
};

/// @name The state of a run: all that must survive for it to go on with the same bits, and for its report to
/// be that of the whole run. What is not here follows from dataset, options and number of ranks.
/// @{
/// How near a volume is to the truth.
struct Closeness {
  double relative_rmse = 0;
  double similarity = 0; ///< structural; not a number where the region is too narrow for it
};
/// The same after an iteration.
struct ClosenessAt {
  int iteration = 0; ///< finished ones
  Closeness of;
};
/// Alike on all ranks.
struct SharedState {
  std::vector<double> cost;           ///< of finished iterations
  std::vector<double> seconds;        ///< of finished iterations
  std::vector<ClosenessAt> closeness; ///< where it was asked for
  double vacuum_cost = 0;             ///< once the first is finished
  double step = 0;                    ///< (V * angstrom)^2
  bool in_iteration = false;          ///< whether another one has begun
  std::vector<int> resumed_at; ///< iterations that were finished whenever the run went on from a checkpoint
  CheckpointCost checkpoints;
  std::string planning; ///< what rank 0 knows of fast transforms, which decides the last bits
};

/// Where a rank is in its sweep over the positions.
struct SweepPlace {
  int iteration = 0;
  int round = 0;
  int batch = 0;   ///< of the round, the next one to be visited; 0: nothing is accumulated yet
  double loss = 0; ///< of the rank's own positions in this iteration so far
};

/// Of one rank, beside its tile's volume, within a round its accumulation buffer, and the probe and its
/// gradient where they are refined.
struct RankState {
  SweepPlace at;
  double vacuum_loss = 0; ///< of own positions, in the first iteration
  double seconds = 0;     ///< of the iteration under way
  double visits_s = 0;
  std::array<double, phase_count> phases_s{};
  Traffic traffic;
  std::array<std::int64_t, memory_label_count> peak_bytes{};
  std::int64_t peak_total_bytes = 0;
  std::int64_t resident_bytes = 0;
};
/// @}

/// A checkpoint on disk: a folder with a file of each rank and, written last, a manifest, without which it is
/// none. Two are kept, in `a` and `b` of the run's folder of checkpoints.
struct Checkpoint {
  std::filesystem::path folder = {};
  std::uint64_t number = 0; ///< counts up; the newest has the largest
  std::string stamp = {};   ///< of its files alone
  int ranks = 1;
  std::vector<Condition> conditions = {};
  SharedState shared = {};
};

/// Says one line to the user; called on rank 0.
using Tell = std::function<void(const std::string& line)>;

/// When and where a run makes checkpoints.
struct CheckpointPolicy {
  std::filesystem::path folder; ///< of this run's checkpoints
  std::vector<Condition> conditions;
  double every_s = 0;                    ///< of rank 0's clock; 0: by iterations only
  int every_iterations = 0;              ///< 0: by time only
  double meet_every_s = 5;               ///< about, between meetings of all ranks within long iterations
  std::function<bool()> stop_asked;      ///< polled between positions; may differ between ranks
  Tell tell = [](const std::string&) {}; ///< a checkpoint could not be written, and why
};

/// The newest whole checkpoint in a folder, checked by all ranks to the last byte; nothing when there is
/// none. Says which ones are damaged, and which conditions that do not decide differ. Throws InputError on
/// all ranks when a condition that decides differs, naming it and both values, and when all that are there
/// are damaged. Collective.
[[nodiscard]] std::optional<Checkpoint> find_checkpoint(const Communicator& comm,
                                                        const std::filesystem::path& folder,
                                                        const std::vector<Condition>& conditions,
                                                        const Tell& tell);

/// Finished iterations of the newest checkpoint in a folder, whosever it is; nothing when there is none. For
/// one process.
[[nodiscard]] std::optional<int> iterations_at_checkpoint(const std::filesystem::path& folder);

/// Removes all checkpoints of a folder, and the folder unless something else lies in it. For one process.
void remove_checkpoints(const std::filesystem::path& folder) noexcept;

/// Thrown out of reconstruct() on all ranks alike, when a stop was asked for.
class Stopped : public std::exception {
public:
  Stopped(int iterations, std::string failure) : iterations_(iterations), failure_(std::move(failure)) {}
  [[nodiscard]] const char* what() const noexcept override { return "stopped"; }
  /// That were finished.
  [[nodiscard]] int iterations() const { return iterations_; }
  /// Why no checkpoint was written; empty when one was.
  [[nodiscard]] const std::string& failure() const { return failure_; }

private:
  int iterations_;
  std::string failure_;
};

} // namespace ptychoscale
