#pragma once

#include "ptychoscale/comm/communicator.hpp"
#include "ptychoscale/compute/backend.hpp"
#include "ptychoscale/geometry/tiling.hpp"
#include "ptychoscale/io/dataset.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace ptychoscale {

/// What a reconstruction file says beside the stitched volume.
struct ReconstructionInfo {
  double sigma = 0; ///< rad / (V * angstrom): object_phase = sigma * potential
  std::vector<double> cost_per_iteration;
  std::string report_json;
  std::vector<Complex> probe = {}; ///< as refined, [mode][ky][kx], zero frequency first; empty: the header's
};

/// Bytes that write_reconstruction() needs on the disk, at most; `modes` of the probe, or as many as the
/// header has where that is more.
[[nodiscard]] std::uintmax_t reconstruction_bytes(const DatasetHeader& header, int modes, int iterations,
                                                  int ranks);

/// Writes the stitched volume: every rank writes its own core box, all at once where HDF5 is parallel, rank
/// after rank where it is not. `read_tile(slice, out)` gives slice `slice` of this rank's EXTENDED tile,
/// [y][x]. Collective; the file appears under its final name only when it is whole, and not at all when any
/// rank fails. All ranks then throw: InputError naming file, bytes needed and bytes there when it cannot be
/// written, else what `read_tile` threw.
void write_reconstruction(const std::filesystem::path& file, const Communicator& comm,
                          const DatasetHeader& header, const Tiling& tiling,
                          const std::function<void(int, std::span<float>)>& read_tile,
                          const ReconstructionInfo& info);

/// Reads a stitched volume back. Opening checks what it reads and throws InputError naming file, field, value
/// and what would be valid.
class ReconstructionReader {
public:
  [[nodiscard]] explicit ReconstructionReader(const std::filesystem::path& file);
  ~ReconstructionReader();
  ReconstructionReader(ReconstructionReader&&) noexcept;
  [[nodiscard]] int slices() const;
  [[nodiscard]] Extent volume() const;
  [[nodiscard]] const std::vector<Box>& cores() const;
  [[nodiscard]] Mesh mesh() const;
  [[nodiscard]] std::string report_json() const;
  void read_potential(int slice, std::span<float> potential) const;

private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

} // namespace ptychoscale
