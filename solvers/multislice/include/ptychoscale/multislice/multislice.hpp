#pragma once

#include "ptychoscale/base/box.hpp"
#include "ptychoscale/compute/backend.hpp"
#include "ptychoscale/multislice/optics.hpp"

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <vector>

namespace ptychoscale {

enum class Bandwidth { none, two_thirds };
/// Where the waves behind the slices come from in the backward sweep.
enum class Adjoint {
  store,      ///< all kept
  checkpoint, ///< every ~sqrt(slices)-th kept, the rest recomputed
  reverse,    ///< recomputed backwards by unitarity; only without a bandwidth limit
};
enum class GridKind { window, tile };

struct MultisliceParameters {
  Extent detector; ///< pixels of a pattern; the window of GridKind::window
  Extent grid;     ///< pixels of the propagation grid; equals `detector` for GridKind::window
  PixelSize pixel; ///< angstrom
  int slices = 0;
  double slice_thickness_A = 0;
  double wavelength_A = 0;
  double sigma = 0; ///< rad / (V * angstrom)
  GridKind grid_kind = GridKind::window;
  Bandwidth bandwidth = Bandwidth::none;
  double bandwidth_cutoff = 2.0 / 3.0;
  double bandwidth_taper = 0.01;
  Adjoint adjoint = Adjoint::reverse;
};

/// Where a probe position falls on the pixel grid: the window around its nearest pixel, and what is left.
struct ProbePlacement {
  Offset window;        ///< volume pixel of the window's pixel (0, 0)
  Backend::Shift shift; ///< pixels from the window's pixel (0, 0) to the position
};
[[nodiscard]] ProbePlacement place_probe(Position position, PixelSize pixel, Extent detector);

/// The multislice model G(p, V), its amplitude loss and its adjoint, for up to `batch` positions at a time:
/// psi <- IFFT[P FFT[t psi]] slice by slice, f = sum_k (a_k - |FFT psi|_k)^2, where |FFT psi|^2 is the sum of
/// those of the probe's modes.
class Multislice {
public:
  /// `probe` [mode][ky][kx] in reciprocal space, zero frequency first, detector extent. Waves are metered as
  /// `waves`.
  [[nodiscard]] Multislice(Backend& backend, const MultisliceParameters& parameters,
                           std::span<const Complex> probe, int batch = 1);
  /// The same from what is left of the probe in its aperture.
  [[nodiscard]] Multislice(Backend& backend, const MultisliceParameters& parameters,
                           const ApertureProbe& probe, int batch = 1);
  ~Multislice();
  Multislice(Multislice&&) noexcept;

  /// Intensities [position][ky][kx] (zero frequency first) in front of the detector, host memory.
  void intensities(Volume potential, Offset tile_origin, std::span<const Position> positions,
                   std::span<float> intensities);

  /// Sum of the positions' losses against `amplitudes` [position][ky][kx] (backend memory). Adds dF/dV to
  /// `gradient` unless that is empty
  /// ({}), and steps the potential by -step * dF/dV at once (one position at a time). V * angstrom and 1 / (V
  /// * angstrom). Adds dF/dP*, by which F changes by 2 Re sum conj(dF/dP*) dP, to `probe_gradient` unless
  /// that is null: as probe(), in backend memory.
  double loss_and_gradient(Volume potential, Volume gradient, Offset tile_origin,
                           std::span<const Position> positions, Amplitudes amplitudes, float step = 0,
                           Complex* probe_gradient = nullptr);

  /// The same for incident waves [wave][y][x] given in real space on the propagation grid, whose pixel (0, 0)
  /// lies at `origin` of the volume, each with a pattern of its own, instead of probe positions (window grid
  /// only). All in host memory but the volumes.
  double loss_and_gradient(Volume potential, Volume gradient, Offset origin,
                           std::span<const Complex> incident, std::span<const float> amplitudes);

  /// The probe P where it is not zero, [mode][ky][kx] over the signed frequencies of aperture(), in backend
  /// memory: what is written there is the probe from the next position on.
  [[nodiscard]] std::span<Complex> probe();
  [[nodiscard]] Box aperture() const;

  /// Real-space waves after each slice, [slice][y][x], slice 0 first, of one incident wave; the last is the
  /// exit wave.
  [[nodiscard]] std::vector<Complex> slice_waves(Volume potential, Offset origin,
                                                 std::span<const Complex> incident);

  /// Loss of the empty volume: of the unscattered probe, whose intensity is the same wherever it stands. One
  /// pattern.
  double vacuum_loss(Amplitudes amplitudes);

  /// Shows the real-space probe [mode][y][x], at the window's centre, in front of each slice and behind the
  /// last when there is no specimen.
  void for_each_vacuum_wave(const std::function<void(std::span<const Complex>)>& body);

private:
  struct State;
  std::unique_ptr<State> state_;
};

} // namespace ptychoscale
