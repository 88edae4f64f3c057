#pragma once

#include "sweeps.hpp"

#include <functional>
#include <map>

namespace ptychoscale {

/// A sweep of one direction, of which the backend may start a recording as long as the arguments stay the
/// same: one for each number of waves.
class RecordedSweep {
public:
  void replay(Backend& backend, const Beam& beam, const VolumeUpdate& arguments,
              const std::function<void()>& sweep) {
    auto& recorded = by_waves_[beam.psi.count];
    if (recorded.arguments != arguments) recorded = {arguments, {}};
    backend.replay(recorded.recording, beam.origins, sweep);
  }

private:
  struct Recorded {
    VolumeUpdate arguments;
    Recording recording;
  };
  std::map<int, Recorded> by_waves_;
};

} // namespace ptychoscale
