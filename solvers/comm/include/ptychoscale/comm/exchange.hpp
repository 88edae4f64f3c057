#pragma once

#include "ptychoscale/base/phase_timer.hpp"
#include "ptychoscale/comm/chunking.hpp"
#include "ptychoscale/comm/communicator.hpp"
#include "ptychoscale/compute/backend.hpp"
#include "ptychoscale/geometry/exchange_plan.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace ptychoscale {

/// How tiles add up their accumulation buffers.
enum class ExchangeKind {
  appp,       ///< asynchronous pipelined passes: Wang et al., SC22, Sec. V
  passes,     ///< the same four passes, blocking, with a barrier between them: Sec. IV
  neighbours, ///< every tile adds its own buffer to its 8 neighbours': Sec. III; exact where overlaps reach
              ///< direct neighbours only
  allreduce,  ///< one all-reduce over the whole volume, slice by slice
};

/// Messages and bytes this rank has sent so far.
struct Traffic {
  std::int64_t messages = 0;
  std::int64_t bytes = 0;
  Traffic& operator+=(const Traffic& more) {
    messages += more.messages;
    bytes += more.bytes;
    return *this;
  }
};

/// Sums a tile volume over all ranks where extended tiles overlap. All ranks call the same verbs in the same
/// order.
class GradientExchange {
public:
  virtual ~GradientExchange() = default;
  /// Posts receives and the first sends; `buffer` must stay untouched until finish() returns.
  virtual void start(Volume buffer) = 0;
  /// Moves outstanding messages on without blocking, sends that finish() has left too; gives whether the
  /// buffer waits for more.
  virtual bool progress() = 0;
  /// Returns when `buffer` holds the total on the whole extended tile; own sends may still be under way from
  /// packed copies.
  virtual void finish() = 0;
  [[nodiscard]] virtual Traffic traffic() const = 0;
};

struct ExchangeOptions {
  ExchangeKind kind = ExchangeKind::appp;
  /// Slices are packed and pipelined in chunks so that no more than about this many bytes of packed messages
  /// are held at a time (at least one slice).
  std::size_t buffer_bytes = std::size_t{32} << 20;
};

/// What all ranks must do alike in an exchange: a chunk of slices is one message between two ranks. Follows
/// from the tiling alone, so that every rank, and a program that only looks, finds the same.
struct ExchangePlan {
  ExchangeKind kind = ExchangeKind::appp;
  Chunking chunking;
};
[[nodiscard]] ExchangePlan plan_exchange(const ExchangeOptions& options, const Tiling& tiling, int slices);

/// `tiling` must outlive the exchange. Buffers come from `backend`, label `exchange`.
[[nodiscard]] std::unique_ptr<GradientExchange> make_exchange(const ExchangePlan& plan,
                                                              const Communicator& comm, Backend& backend,
                                                              const Tiling& tiling, PhaseTimer& timer);

/// Halo voxel exchange: pastes every tile's core voxels over the halos that cover them.
class VoxelPaste {
public:
  virtual ~VoxelPaste() = default;
  virtual void paste(Volume volume) = 0;
  [[nodiscard]] virtual Traffic traffic() const = 0;
};
[[nodiscard]] Chunking plan_voxel_paste(const ExchangeOptions& options, const Tiling& tiling, int slices);
[[nodiscard]] std::unique_ptr<VoxelPaste> make_voxel_paste(const Chunking& chunking, const Communicator& comm,
                                                           Backend& backend, const Tiling& tiling,
                                                           PhaseTimer& timer);

[[nodiscard]] ExchangeKind exchange_kind(std::string_view name);
[[nodiscard]] std::string_view name(ExchangeKind kind);

} // namespace ptychoscale
