#pragma once

#include "ptychoscale/base/memory_meter.hpp"
#include "ptychoscale/base/phase_timer.hpp"
#include "ptychoscale/compute/backend.hpp"
#include "ptychoscale/geometry/tiling.hpp"
#include "ptychoscale/reconstruct/reconstruct.hpp"

#include <cstddef>
#include <future>
#include <optional>
#include <vector>

namespace ptychoscale {

/// The measured amplitudes of a rank's positions, in backend memory: all resident, or streamed from the file
/// in visiting order with the next batch of patterns read while the present one is computed on.
class Measurements {
public:
  /// `batches` are ranges of `positions` that are used together, in visiting order, none empty.
  [[nodiscard]] Measurements(Backend& backend, const Acquisition& acquisition, std::vector<int> positions,
                             std::vector<Range> batches, MeasurementType type, bool stream);
  ~Measurements();
  Measurements(const Measurements&) = delete;
  Measurements& operator=(const Measurements&) = delete;

  /// Amplitudes [position][ky][kx], zero frequency first, of the k-th of this rank's positions and those
  /// behind it in its batch; valid until another batch's are asked for. Time blocked on the file is charged
  /// to Phase::wait. Throws InputError for a bad count, or an amplitude beyond float16 (while streaming;
  /// resident ones are checked on construction).
  [[nodiscard]] Amplitudes at(int k, PhaseTimer& timer);

private:
  void fetch(std::size_t batch, PhaseTimer& timer);
  void read_ahead(std::size_t batch);
  /// Reads positions into host memory, as the backend's is to keep them.
  void read(Range positions);
  /// From host memory to the backend's, where that has this pixel.
  void upload(std::size_t first_pixel, std::size_t pixels);

  Backend& backend_;
  const Acquisition& acquisition_;
  std::vector<int> positions_;
  std::vector<Range> batches_;
  std::size_t pattern_; ///< pixels
  MeasurementType type_;
  bool stream_;
  Buffer<std::byte> amplitudes_; ///< every pattern, or the batch in use
  HostArray<float, MemoryLabel::measurements> ahead_;
  std::optional<std::size_t> present_batch_; ///< in use, while streaming
  std::optional<std::size_t> ahead_batch_;   ///< being read
  std::future<void> reading_;
};

} // namespace ptychoscale
