#pragma once

#include "ptychoscale/comm/communicator.hpp"
#include "ptychoscale/io/dataset.hpp"
#include "ptychoscale/reconstruct/reconstruct.hpp"

#include <compare>
#include <vector>

namespace ptychoscale {

/// What one probe sends through the empty specimen.
struct Illumination {
  double brightest = 0;    ///< pixel at any depth, N |psi|^2
  Extent extent;           ///< of `map`
  std::vector<double> map; ///< N |psi|^2 [y][x] at the depth where a raster of probes is brightest
  Box lit;                 ///< of `map`, where it is not negligible

  [[nodiscard]] double at(int y, int x) const {
    return lit.y0 <= y && y < lit.y1 && lit.x0 <= x && x < lit.x1
               ? map[static_cast<std::size_t>(y) * static_cast<std::size_t>(extent.x) +
                     static_cast<std::size_t>(x)]
               : 0;
  }
  /// The pixel of `map` that lies at a probe's position.
  [[nodiscard]] Offset middle() const { return {extent.y / 2, extent.x / 2}; }
};

/// Free propagation through the empty specimen, of all modes of the probe together; estimated plans, so that
/// it is the same on every run.
[[nodiscard]] Illumination illumination_of(const DatasetHeader& header, const ApertureProbe& probe);
/// Rank 0's on all ranks, so that processors of two kinds do not differ in the last bits. Collective.
void share(const Communicator& comm, Illumination& light);

/// Positions whose sum is applied at once: those of one rank in one round.
struct Part {
  int round = -1; ///< of positions that are left out
  int rank = 0;
  [[nodiscard]] bool is_visited() const { return round >= 0; }
  auto operator<=>(const Part&) const = default;
};
/// Of every position; unless it tells ranks apart, all of a round are one part.
[[nodiscard]] std::vector<Part> parts_of(const ReconstructionPlan& plan, std::size_t positions,
                                         bool tell_ranks);

/// Pixels of the volume nearest to the positions.
[[nodiscard]] std::vector<Offset> centres_of(const DatasetHeader& header);
/// Pixels from a position to the next of the raster.
[[nodiscard]] Extent cell_of(const DatasetHeader& header);

} // namespace ptychoscale
