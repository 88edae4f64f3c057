#pragma once

#include "ptychoscale/geometry/tiling.hpp"

#include <vector>

namespace ptychoscale {

/// What a receiver does with a message: add it to its own buffer, or put it in place of its own values.
enum class Merge { add, replace };

/// One message between two tiles: the same box of every slice, in volume coordinates.
struct Transfer {
  int peer = -1;
  Box box;
};

/// One step of the four-pass accumulation (Wang et al., SC22, Sec. IV) on one rank: wait for `receive` (if
/// any), merge it, then hand `send` (if any) to the next tile. Steps run in order; between ranks only
/// messages order them.
struct PassStep {
  std::vector<Transfer> receive; ///< zero or one
  Merge merge = Merge::add;
  std::vector<Transfer> send; ///< zero or one
};

/// The four steps of `rank`: vertical forward, vertical backward, horizontal forward, horizontal backward.
/// Afterwards every tile holds the sum over all tiles on its whole extended box, also where overlaps reach
/// past direct neighbours.
[[nodiscard]] std::vector<PassStep> pass_schedule(const Tiling& tiling, int rank);

/// Transfers of the direct exchange with the 8 neighbours (Sec. III): send and receive boxes are the same
/// overlap of the extended boxes.
[[nodiscard]] std::vector<Transfer> neighbour_transfers(const Tiling& tiling, int rank);

/// Transfers of voxel pasting (HVE): `send` boxes are own core meeting another's extended box, `receive`
/// boxes another's core meeting ours.
struct PasteTransfers {
  std::vector<Transfer> send;
  std::vector<Transfer> receive;
};
[[nodiscard]] PasteTransfers paste_transfers(const Tiling& tiling, int rank);

/// How many extended boxes cover each pixel of `rank`'s extended box, [y][x].
[[nodiscard]] std::vector<float> overlap_multiplicity(const Tiling& tiling, int rank);

} // namespace ptychoscale
