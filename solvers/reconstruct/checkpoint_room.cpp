#include "ptychoscale/base/words.hpp"
#include "ptychoscale/reconstruct/reconstruct.hpp"
#include "tile_solver.hpp"

#include <fmt/format.h>

namespace ptychoscale {
namespace {

/// Of a rank, beside its voxels: numbers, marks and hashes.
constexpr std::uintmax_t rank_numbers = 4096;

/// What a rank holds as many voxels of as its tile has, beside the volume itself.
int kept_with_the_volume(const ReconstructionOptions& o) {
  const bool accumulates = descends(o) || sums_gradients(o.method);
  const bool carries = (sums_gradients(o.method) && o.delay > 0) ||          // what is late
                       (descends(o) && o.update == UpdateRule::accelerated); // its momentum
  return (accumulates ? 1 : 0) + (carries ? 1 : 0);
}

} // namespace

std::uintmax_t checkpoint_bytes(const ReconstructionPlan& plan, const ReconstructionOptions& options,
                                int slices) {
  std::uintmax_t pixels = 0;
  for (const auto& tile : plan.tiling.tiles) pixels += tile.extended.extent().area();
  const auto voxels = pixels * static_cast<std::uintmax_t>(slices);
  const std::uintmax_t waves = changes_probe(options) ? 2 : 0; // the probe and its gradient
  const auto per_rank = rank_numbers + waves * plan.probe.values.size() * sizeof(Complex);
  return voxels * sizeof(float) * static_cast<std::uintmax_t>(1 + kept_with_the_volume(options)) +
         per_rank * plan.tiling.tiles.size();
}

std::optional<std::string> complaint_of_room(const RoomForCheckpoints& room) {
  const auto needed = room.result + 2 * room.one;
  if (needed <= room.free + room.already) return std::nullopt;
  return fmt::format("two checkpoints of {} beside a result of {} need {} more than the {} that are free",
                     readable_bytes(static_cast<double>(room.one)),
                     readable_bytes(static_cast<double>(room.result)),
                     readable_bytes(static_cast<double>(needed - room.free - room.already)),
                     readable_bytes(static_cast<double>(room.free)));
}

} // namespace ptychoscale
