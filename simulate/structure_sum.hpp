#pragma once

#include "fourier_half_plane.hpp"
#include "ptychoscale/base/box.hpp"

#include <memory>
#include <span>

namespace ptychoscale {

/// Adds weights(k) S(k) to Fourier coefficients, S(k) = sum over sites of exp(-2 pi i (ky y + kx x)) with
/// sites in fractions of the grid's period and k in whole waves per period.
///
/// The coefficients stand for the real part of a sum over all frequencies of the grid: row ny / 2 is the mean
/// over both signs of ky, but where kx is 0 or nx / 2, whose rows of real space count by their real part
/// only, it is the positive ky.
class StructureSum {
public:
  StructureSum() = default;
  StructureSum(const StructureSum&) = delete;
  StructureSum& operator=(const StructureSum&) = delete;
  virtual ~StructureSum() = default;
  virtual void add(std::span<const Position> fractions, const Weights& weights,
                   Coefficients& coefficients) = 0;
};

/// Every phase of every site: (frequencies) x (sites) operations.
[[nodiscard]] std::unique_ptr<StructureSum> make_exact_sum(Extent extent, int threads);

/// About what that takes for so many sites, bytes.
[[nodiscard]] double exact_sum_bytes(Extent extent, double sites, int threads);

/// Type-1 non-uniform FFT to about 1e-11 relative L2: sites are spread onto a grid twice as fine with the
/// "exponential of semicircle" kernel, transformed, and divided by the kernel's transform. Barnett, Magland
/// and af Klinteberg, SIAM J. Sci. Comput. 41, C479 (2019).
[[nodiscard]] std::unique_ptr<StructureSum> make_nonuniform_fft(Extent extent, int threads);
[[nodiscard]] double nonuniform_fft_bytes(Extent extent, double sites, int threads);

} // namespace ptychoscale
