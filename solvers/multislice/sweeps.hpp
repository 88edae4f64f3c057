#pragma once

#include "beam.hpp"
#include "kept_waves.hpp"
#include "slice_step.hpp"

namespace ptychoscale {

/// What a sweep reads and, backwards, changes; see SliceUpdate.
struct VolumeUpdate {
  Volume potential;
  Volume gradient; ///< or {}
  float step = 0;
  float* sum = nullptr; ///< where several waves of one position add up a slice's gradient before its step:
                        ///< zero, [y][x] of the potential's extent; or none
  [[nodiscard]] SliceUpdate slice(int s) const {
    return {potential.slice(s), gradient.data != nullptr ? gradient.slice(s).data : nullptr, step};
  }
  bool operator==(const VolumeUpdate&) const = default;
};

/// The waves through all slices, and their adjoints back.
class Sweeps {
public:
  /// For up to `batch` waves; `workspace` is one wave on the grid.
  [[nodiscard]] Sweeps(Backend& backend, const MultisliceParameters& parameters, int batch, Waves workspace)
      : backend_(backend), step_(backend, parameters, batch, workspace), kept_(backend, parameters, batch) {}

  [[nodiscard]] const SliceStep& step() const { return step_; }
  /// What passes the slices backwards: the adjoints and, where no waves are kept, the waves, too.
  [[nodiscard]] Waves backward_waves(const Beam& beam) const { return kept_.none() ? beam.both() : beam.chi; }

  /// Incident waves -> where SliceStep::leave() ends.
  void forward(const Beam& beam, Volume potential) const;
  /// Adjoints from there -> just in front of the first transmission; every slice's gradient goes where
  /// `update` says. A forward sweep of the same beam came before.
  void backward(const Beam& beam, const VolumeUpdate& update) const;

private:
  [[nodiscard]] Waves waves_at(int s, const Beam& beam, Volume potential) const;
  void retreat(int s, const Beam& beam, const VolumeUpdate& update) const;

  Backend& backend_;
  SliceStep step_;
  KeptWaves kept_;
};

} // namespace ptychoscale
