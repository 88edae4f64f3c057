#pragma once

#include "ptychoscale/base/phase_timer.hpp"
#include "ptychoscale/compute/backend.hpp"
#include "ptychoscale/geometry/tiling.hpp"
#include "ptychoscale/io/pattern_sums.hpp"
#include "ptychoscale/reconstruct/reconstruct.hpp"

#include <cstddef>
#include <future>
#include <optional>
#include <span>
#include <vector>

namespace ptychoscale {

/// The measured amplitudes of a rank's positions, in backend memory: all resident, or streamed from the file
/// in visiting order, in two halves: one batch of patterns is loaded by a thread while the other is computed
/// on. What one pattern takes on its way, where it is not read in its place, counts as MemoryLabel::other.
class Measurements {
public:
  /// `batches` are ranges of `positions` that are used together, in visiting order, none empty.
  [[nodiscard]] Measurements(Backend& backend, const Acquisition& acquisition, std::vector<int> positions,
                             std::vector<Range> batches, MeasurementType type, bool stream);
  ~Measurements();
  Measurements(const Measurements&) = delete;
  Measurements& operator=(const Measurements&) = delete;

  /// Amplitudes [position][ky][kx], zero frequency first, of the k-th of this rank's positions and those
  /// behind it in its batch; valid until another batch's are asked for, when no verb may read them any more.
  /// Time blocked on file and copy is charged to Phase::wait. Throws InputError for a bad count, or an
  /// amplitude beyond float16 (while streaming; resident ones are checked on construction).
  [[nodiscard]] Amplitudes at(int k, PhaseTimer& timer);

  /// What the k-th pattern adds up to; nothing before it has been read for the first time, and in dry runs.
  [[nodiscard]] const std::optional<PatternSum>& sum(int k) const {
    return sums_[static_cast<std::size_t>(k)];
  }

private:
  void fetch(std::size_t batch, PhaseTimer& timer);
  void load_ahead(std::size_t batch);
  /// From the file to the backend's memory, where so many patterns lie in front of them.
  void load(Range positions, std::size_t in_front);
  void load_pattern(std::size_t k, std::byte* to);
  /// Reads amplitudes from the file and, the first time, adds them up: later readings are of the same.
  void read(std::size_t k, std::span<float> amplitudes);
  [[nodiscard]] std::size_t pattern_bytes() const;

  Backend& backend_;
  const Acquisition& acquisition_;
  std::vector<int> positions_;
  std::vector<Range> batches_;
  std::size_t pattern_; ///< pixels
  MeasurementType type_;
  bool stream_;
  std::size_t patterns_per_half_;         ///< those of the largest batch
  Buffer<std::byte> amplitudes_;          ///< every pattern, or two halves
  Buffer<float, Place::staging> staging_; ///< one pattern on its way; none where it is read in its place
  std::vector<std::optional<PatternSum>> sums_; ///< by k
  std::optional<std::size_t> present_batch_;    ///< in use, while streaming
  std::optional<std::size_t> ahead_batch_;      ///< being loaded, to the half that is not in use
  std::size_t present_half_ = 0;
  std::future<void> loading_;
};

} // namespace ptychoscale
