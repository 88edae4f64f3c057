#pragma once

#include "ptychoscale/base/memory_meter.hpp"
#include "ptychoscale/base/phase_timer.hpp"
#include "ptychoscale/compute/backend.hpp"
#include "ptychoscale/reconstruct/reconstruct.hpp"

#include <future>
#include <vector>

namespace ptychoscale {

/// The measured amplitudes of a rank's positions, in backend memory: all resident, or streamed from the file
/// in visiting order with the next pattern read while the present one is computed on.
class Measurements {
public:
  [[nodiscard]] Measurements(Backend& backend, const Acquisition& acquisition, std::vector<int> positions,
                             bool stream);
  ~Measurements();
  Measurements(const Measurements&) = delete;
  Measurements& operator=(const Measurements&) = delete;

  /// Amplitudes [ky][kx], zero frequency first, of the k-th of this rank's positions; valid until the next
  /// call. Time blocked on the file is charged to Phase::wait. Throws InputError for a bad count (while
  /// streaming; resident ones are checked on construction).
  [[nodiscard]] const float* at(int k, PhaseTimer& timer);

private:
  void read_ahead(int k);

  Backend& backend_;
  const Acquisition& acquisition_;
  std::vector<int> positions_;
  std::size_t pattern_;
  bool stream_;
  Buffer<float> amplitudes_; ///< every pattern, or the one in use
  HostArray<float, MemoryLabel::measurements> ahead_;
  int present_k_ = -1; ///< in use, while streaming
  int ahead_k_ = -1;   ///< being read
  std::future<void> reading_;
};

} // namespace ptychoscale
