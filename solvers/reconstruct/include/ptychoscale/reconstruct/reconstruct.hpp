#pragma once

#include "ptychoscale/base/memory_meter.hpp"
#include "ptychoscale/comm/communicator.hpp"
#include "ptychoscale/comm/exchange.hpp"
#include "ptychoscale/compute/backend.hpp"
#include "ptychoscale/geometry/tiling.hpp"
#include "ptychoscale/io/dataset.hpp"
#include "ptychoscale/multislice/multislice.hpp"

#include <array>
#include <cstdint>
#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ptychoscale {

enum class Method { serial, gd, hve };
/// How GD turns gradients into steps; Wang et al., SC22, Algorithm 1.
enum class UpdateRule {
  as_printed, ///< own gradients at once and again inside the buffer
  once,       ///< own gradients at once, then only what the other ranks added
  batch,      ///< no local steps: plain gradient descent on F
};
enum class HaloFill { paste, mean, never };

struct ReconstructionOptions {
  Method method = Method::gd;
  int iterations = 10;
  UpdateRule update = UpdateRule::once;
  int rounds = 1; ///< GD: exchanges per iteration; 0: as many as the fullest rank has positions (T = 1)
  ExchangeKind exchange = ExchangeKind::appp;
  std::optional<Mesh> mesh = std::nullopt;
  std::optional<double> halo_A = std::nullopt;
  int extra_rows = 1;                   ///< HVE
  HaloFill halo_fill = HaloFill::paste; ///< HVE
  int paste_every = 1;                  ///< HVE: iterations between pastes
  GridKind grid = GridKind::window;
  Adjoint adjoint = Adjoint::reverse;
  Bandwidth bandwidth = Bandwidth::none;
  std::optional<double> step = std::nullopt;       ///< alpha in (V * angstrom)^2; default: see step_size.hpp
  bool stream_measurements = false; ///< read from the file with read-ahead instead of keeping all in memory
};

/// What one rank did and used.
struct RankStatistics {
  int rank = 0;
  int positions = 0; ///< own and extra
  std::int64_t extended_voxels = 0;
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
  Tiling tiling;
  Buffer<float> volume;     ///< this rank's extended tile, [slice][y][x]
  std::vector<double> cost; ///< F summed over all positions, seen during each iteration (own positions only,
                            ///< each counted once)
  std::vector<double> seconds; ///< per iteration, maximum over ranks
  double vacuum_cost = 0;      ///< F of the empty volume
  double step = 0;
  std::vector<RankStatistics> ranks; ///< on rank 0
};

/// Thrown out of reconstruct() on a rank whose `interrupted` hook said so; nothing was written.
class Interrupted : public std::exception {
public:
  [[nodiscard]] const char* what() const noexcept override { return "interrupted"; }
};

struct ReconstructionHooks {
  std::function<void(int iteration, double cost, double seconds)> on_iteration; ///< rank 0, after each
  std::function<bool()> interrupted;                                            ///< polled between positions
};

/// Runs one solver on all ranks of `comm`; collective. Throws InputError, agreed on all ranks, for a mesh,
/// halo or option that cannot work and for a step that diverges (naming the iteration).
[[nodiscard]] Reconstruction reconstruct(const Communicator& comm, Backend& backend,
                                         const DatasetReader& dataset, const ReconstructionOptions& options,
                                         const ReconstructionHooks& hooks);

[[nodiscard]] Method method(std::string_view name);
[[nodiscard]] std::string_view name(Method method);
[[nodiscard]] std::string_view name(UpdateRule rule);

} // namespace ptychoscale
