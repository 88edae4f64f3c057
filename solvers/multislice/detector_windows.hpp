#pragma once

#include "beam.hpp"
#include "ptychoscale/multislice/multislice.hpp"
#include "wave_stack.hpp"

namespace ptychoscale {

/// The detector's windows on the grid: the probes begin there, and what leaves the specimen there reaches the
/// detector. On a window grid, window and grid are one.
///
/// Waves are [mode][position]: every mode of the probe at every position.
class DetectorWindows {
public:
  [[nodiscard]] DetectorWindows(Backend& backend, const MultisliceParameters& parameters,
                                const ApertureProbe& probe, int batch);

  /// The beam on the windows instead of the grid.
  [[nodiscard]] Beam of(const Beam& beam) const;

  /// waves <- every mode of the probe, shifted by so many pixels from pixel (0, 0); reciprocal.
  void shift_probe(Waves waves, std::span<const Backend::Shift> pixels) const;

  /// Sets psi to the incident waves of probes, whose windows lie at `placed[i].window` of the tile.
  void illuminate(const Beam& beam, std::span<const ProbePlacement> placed);
  /// psi, mixed, -> reciprocal on the windows.
  void to_detector(const Beam& beam) const;
  /// The adjoint of that for chi; `back` are the waves that go back through the slices. Where they are both,
  /// psi returns to what it was, too.
  void from_detector(const Beam& beam, Waves back) const;
  /// The adjoint of illuminate() for chi, as the backward sweep leaves it: adds dF/dP* of every wave to
  /// `gradient`, [mode][ky][kx] of the aperture.
  void gather_probe(const Beam& beam, Complex* gradient) const;

  /// Signed frequencies that the probe has, and its values there, [mode][ky][kx].
  [[nodiscard]] Box aperture() const { return aperture_; }
  [[nodiscard]] std::span<Complex> probe() const { return {probe_.data(), probe_.size()}; }

private:
  /// Mixed waves on the grid -> reciprocal on the windows.
  void to_reciprocal(Waves windows, Waves grid) const;
  void embed(Waves grid, Waves windows) const;
  void crop(Waves windows, Waves grid) const;
  [[nodiscard]] Waves of_mode(Waves all, int mode) const {
    const int positions = all.count / modes_;
    return {all.one(mode * positions).data, positions, all.extent};
  }
  [[nodiscard]] Complex* mode_of(Complex* probe, int mode) const {
    return probe + static_cast<std::size_t>(mode) * aperture_.extent().area();
  }

  Backend& backend_;
  MultisliceParameters p_;
  Box aperture_; ///< signed frequencies that the probe has
  int modes_;
  Buffer<Complex> probe_;              ///< [mode][ky][kx] of the aperture
  WaveStack waves_;                    ///< on the windows of a tile: psi, chi
  std::vector<Offset> windows_;        ///< on the tile, per wave
  std::vector<Backend::Shift> shifts_; ///< of the probe in its window, per position
};

} // namespace ptychoscale
