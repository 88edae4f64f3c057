#pragma once

#include "ptychoscale/base/memory_meter.hpp"
#include "ptychoscale/base/phase_timer.hpp"
#include "ptychoscale/comm/communicator.hpp"
#include "ptychoscale/comm/exchange.hpp"
#include "ptychoscale/compute/backend.hpp"
#include "ptychoscale/geometry/tiling.hpp"
#include "ptychoscale/io/dataset.hpp"
#include "ptychoscale/io/pattern_sums.hpp"
#include "ptychoscale/multislice/multislice.hpp"
#include "ptychoscale/reconstruct/checkpoint.hpp"

#include <array>
#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ptychoscale {

enum class Method {
  serial,     ///< one rank
  gd,         ///< Gradient Decomposition
  hve,        ///< Halo Voxel Exchange
  replicated, ///< every rank holds the whole volume, positions are dealt, gradients summed over all ranks
};
/// Whether ranks add up their gradients.
[[nodiscard]] constexpr bool sums_gradients(Method m) { return m == Method::gd || m == Method::replicated; }
/// How gd and replicated turn gradients into steps; Wang et al., SC22, Algorithm 1.
enum class UpdateRule {
  as_printed,  ///< own gradients at once and again inside the buffer
  once,        ///< own gradients at once, then only what the other ranks added
  averaged,    ///< as once, but where corrections of several ranks add up to more than the whole error, their
               ///< sum is scaled down to it
  batch,       ///< no local steps: plain gradient descent on F
  accelerated, ///< batch with momentum, and steps scaled by the illumination
};
/// How measured amplitudes are kept; float16 rounds each by at most 2^-11 of itself and takes half the
/// memory.
enum class MeasurementType { float32, float16 };
enum class HaloFill { paste, mean, never };

struct ReconstructionOptions {
  Method method = Method::gd;
  int iterations = 10;
  UpdateRule update = UpdateRule::once;
  int rounds = 1; ///< GD: exchanges per iteration; 0: as many as the fullest rank has positions (T = 1)
  int delay = 0;  ///< GD: rounds by which what neighbours add comes late, 0 or 1
  ExchangeKind exchange = ExchangeKind::appp;
  std::optional<Mesh> mesh = std::nullopt;
  std::optional<double> halo_A = std::nullopt;
  int extra_rows = 1;                   ///< HVE
  HaloFill halo_fill = HaloFill::paste; ///< HVE
  int paste_every = 1;                  ///< HVE: iterations between pastes
  GridKind grid = GridKind::window;
  Adjoint adjoint = Adjoint::reverse;
  Bandwidth bandwidth = Bandwidth::none;
  std::optional<double> step = std::nullopt; ///< alpha in (V * angstrom)^2; default: see step_size.hpp
  bool stream_measurements = false; ///< read from the file with read-ahead instead of keeping all in memory
  MeasurementType measurement_type = MeasurementType::float32;
  std::size_t exchange_bytes = 0; ///< about what packed messages may take; 0: see plan_reconstruction()
  int positions_at_once = 1;      ///< computed together; more than 1 only where it descends()
  int positions_at_most = 0; ///< visit only so many of a rank's positions, to time a slice of a run; 0: all
  int refine_probe = 0;      ///< the first iteration, from 1, that also steps the probe; 0: none does
  double slice_blur = 0;     ///< standard deviation, in slices, of a blur after every iteration; 0: none
  int probe_modes = 0;       ///< incoherent ones, 1 to 8; 0: as many as the dataset's probe has
  int refine_scale = 0;      ///< the first, from 1, that also scales the probe, until refine_probe; 0: none
};

/// Whether the probe does not stay as it was given.
[[nodiscard]] constexpr bool changes_probe(const ReconstructionOptions& o) {
  return o.refine_probe > 0 || o.refine_scale > 0;
}

/// What a reconstruction starts from: an experiment, and its measured amplitudes [ky][kx], zero frequency
/// first, by position. While measurements are streamed another thread calls `read_amplitudes`, until the
/// reconstruction ends: neither the reader behind it nor HDF5, which is not for two threads, may be used
/// elsewhere meanwhile.
struct Acquisition {
  const DatasetHeader& header; ///< must outlive the reconstruction
  std::function<void(int position, std::span<float> amplitudes)> read_amplitudes;
  std::string name = {}; ///< the file's, which errors begin with
  /// Hash of a position's pattern as it was read, and what is wrong when all of them are not of what was
  /// written; left out where that is not known.
  std::function<std::optional<std::uint64_t>(int position)> hash_as_read = {};
  std::function<std::optional<std::string>(const std::map<int, std::uint64_t>&)> complaint_of_content = {};
};
/// The acquisition a dataset holds; the reader must outlive it.
[[nodiscard]] Acquisition acquisition_of(const DatasetReader& dataset);
/// An experiment without its dataset, for what does not depend on the data: every pattern is the unscattered
/// beam, dimmed so that there is a gradient.
[[nodiscard]] Acquisition acquisition_without_data(const DatasetHeader& header);

/// What all ranks of a run do alike; follows from header, options and number of ranks.
struct ReconstructionPlan {
  Tiling tiling;
  int rounds = 1;                 ///< exchanges per iteration
  ExchangePlan exchange;          ///< gd, and hve that averages
  Chunking paste;                 ///< hve that pastes
  std::vector<Extent> transforms; ///< every grid that any rank transforms
  ApertureProbe probe;            ///< at the beginning of the run
};
/// Packed messages take at most half of what a mean tile's volume does, and 32 MiB, unless told otherwise.
/// Throws InputError for a mesh, halo or option that cannot work.
[[nodiscard]] ReconstructionPlan plan_reconstruction(const DatasetHeader& header,
                                                     const ReconstructionOptions& options, int ranks);

/// The most bytes that one checkpoint of such a run takes on disk, the files of all ranks together: made
/// within an iteration it also holds what has been accumulated. Two are kept.
[[nodiscard]] std::uintmax_t checkpoint_bytes(const ReconstructionPlan& plan,
                                              const ReconstructionOptions& options, int slices);

/// Bytes of a disk that a run's result and its checkpoints share.
struct RoomForCheckpoints {
  std::uintmax_t free = 0;
  std::uintmax_t result = 0;  ///< that it will have on that disk
  std::uintmax_t one = 0;     ///< that a checkpoint takes
  std::uintmax_t already = 0; ///< of checkpoints that are there, in whose place new ones come
};
/// Says in one line that two checkpoints do not fit beside the result, and how much is lacking; nothing where
/// they do.
[[nodiscard]] std::optional<std::string> complaint_of_room(const RoomForCheckpoints& room);

/// What one rank did and used.
struct RankStatistics {
  int rank = 0;
  int positions = 0; ///< own and extra
  std::int64_t extended_voxels = 0;
  double visits_s = 0; ///< forward model and gradient of all positions; the larger part of compute_s
  double compute_s = 0;
  double wait_s = 0;
  double communication_s = 0;
  std::int64_t messages = 0;
  std::int64_t bytes_sent = 0;
  std::array<std::int64_t, memory_label_count> peak_bytes{};
  std::int64_t peak_total_bytes = 0;
  std::int64_t resident_bytes = 0; ///< VmHWM
};

struct Reconstruction {
  Buffer<float> volume;     ///< this rank's extended tile, [slice][y][x]
  std::vector<double> cost; ///< F summed over all positions, seen during each iteration (own positions only,
                            ///< each counted once)
  std::vector<double> seconds;        ///< per iteration, maximum over ranks
  std::vector<ClosenessAt> closeness; ///< as `measure_closeness` gave it
  double vacuum_cost = 0;             ///< F of the empty volume
  std::vector<Complex> probe; ///< as refined, [mode][ky][kx], zero frequency first, the modes orthogonal and
                              ///< the strongest first; empty where it was not
  double step = 0;
  std::vector<RankStatistics>
      ranks;                   ///< on rank 0; of the whole run, as all here, however often it was resumed
  std::vector<int> resumed_at; ///< iterations finished before each resumption
  CheckpointCost checkpoints;
};

/// Thrown out of reconstruct() on a rank whose `interrupted` hook said so; nothing was written.
class Interrupted : public std::exception {
public:
  [[nodiscard]] const char* what() const noexcept override { return "interrupted"; }
};

struct ReconstructionHooks {
  std::function<void(int iteration, double cost, double seconds)> on_iteration; ///< rank 0, after each
  std::function<bool()> interrupted;                                            ///< polled between positions
  PhaseTimer::Observer on_phase = {}; ///< every rank, on its backend's clock
  /// Rank 0, once every rank has read its patterns: before the first iteration, or after it when they are
  /// streamed; not in dry runs.
  std::function<void(const PatternFindings&)> on_patterns = {};
  /// All ranks, after each iteration and outside its time: how near this rank's extended tile [slice][y][x]
  /// and all others' are to the truth, alike on all ranks; nothing where that is not to be recorded.
  std::function<std::optional<Closeness>(int finished, const Buffer<float>& volume)> measure_closeness = {};
  const CheckpointPolicy* checkpoints = nullptr; ///< none are made without; nor by a rank that is alone
  /// To go on from, of the same dataset, options and ranks; rank 0's backend must have learned its `planning`
  /// before anything else.
  const Checkpoint* resume = nullptr;
};

/// Runs one solver on all ranks of `comm`; collective. `plan` is the one for these options and ranks. Throws
/// InputError, agreed on all ranks, for patterns that are unusable() and for a step that diverges (naming the
/// iteration), and Stopped, on all ranks, when the policy's `stop_asked` said so on any.
[[nodiscard]] Reconstruction reconstruct(const Communicator& comm, Backend& backend,
                                         const Acquisition& acquisition, const ReconstructionPlan& plan,
                                         const ReconstructionOptions& options,
                                         const ReconstructionHooks& hooks);

[[nodiscard]] Method method(std::string_view name);
[[nodiscard]] std::string_view name(Method method);
[[nodiscard]] std::string_view name(UpdateRule rule);
/// Whether no step is made between positions, only on sums of gradients.
[[nodiscard]] bool descends(const ReconstructionOptions& options);

} // namespace ptychoscale
