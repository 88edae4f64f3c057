#pragma once

#include "propagators.hpp"
#include "wave_stack.hpp"

namespace ptychoscale {

/// Whether waves at slices are in real space, as a bandwidth limit needs them, and not mixed.
[[nodiscard]] inline bool real_at_slices(const MultisliceParameters& p) {
  return p.bandwidth == Bandwidth::two_thirds;
}

/// The step from one slice to the next and its adjoint.
///
/// Where waves are along the slices: without a bandwidth limit, "at slice s" means just BEHIND its
/// transmission, in the mixed representation, so that a step is rows (IFFT t FFT) and columns (FFT P IFFT)
/// only. With a limit it means just IN FRONT of it, in real space, because the limited transmission function
/// is itself made by transforms. Incident waves are in the same representation. `origins` are those of
/// Backend, for each of the waves.
class SliceStep {
public:
  /// For up to `batch` waves; `workspace` is one wave on the grid.
  [[nodiscard]] SliceStep(Backend& backend, const MultisliceParameters& parameters, int batch,
                          Waves workspace);

  [[nodiscard]] const Propagators& propagators() const { return propagators_; }

  /// Incident waves -> at slice 0.
  void enter(Waves w, Volume potential, std::span<const Offset> origins) const;
  /// At slice s -> at slice s + 1.
  void advance(Waves w, Volume potential, int s, std::span<const Offset> origins) const;
  /// At the last slice -> behind the specimen, one slice thickness further, in the mixed representation. On
  /// an unlimited window the last propagation would change phases in reciprocal space only, which the
  /// detector does not see: it is left out.
  void leave(Waves w, Volume potential, std::span<const Offset> origins) const;
  /// Incident on a slice -> incident on the next.
  void pass(Waves w, Slice potential, std::span<const Offset> origins) const;

  /// Adjoints from behind the specimen, where leave() ended -> just behind the last transmission.
  void return_behind_last(Waves w) const;
  /// Adjoints from just in front of a transmission -> just behind the one before.
  void back_propagate(Waves w) const;
  /// Adjoints from just behind the slice's transmission -> just in front of it; the slice's gradient goes to
  /// `update`. `behind` are the waves at the slice; with `rewind` they go along.
  void retreat(Waves behind, Waves chi, const SliceUpdate& update, std::span<const Offset> origins,
               bool rewind) const;

private:
  void limited_transmission(Waves t, Slice potential, std::span<const Offset> origins) const;
  void retreat_limited(Waves behind, Waves chi, const SliceUpdate& update,
                       std::span<const Offset> origins) const;

  Backend& backend_;
  bool limited_;
  bool tile_;
  float sigma_;
  Propagators propagators_;
  WaveStack transmission_; ///< with a limit: the transmission function and its adjoint
};

} // namespace ptychoscale
