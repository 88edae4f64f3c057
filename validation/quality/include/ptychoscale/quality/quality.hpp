#pragma once

#include "ptychoscale/base/box.hpp"

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace ptychoscale {

/// How near a reconstruction comes to the known truth. All functions take images [y][x] (V * angstrom, here
/// the potential summed over slices) of one extent and look at `region` only, the illuminated box. They throw
/// InputError when sizes do not match or `region` is empty or reaches outside.

/// What a report says about one reconstruction. A measure that this truth or region has no answer for is
/// empty.
struct ImageQuality {
  std::optional<double> relative_rmse; ///< see relative_rmse()
  std::optional<double> similarity;    ///< see structural_similarity(), after removal of offset and ramp
  std::optional<double> resolution_A;  ///< see ring_correlation()
  std::string not_computed;            ///< why the first empty one is, where it was asked too much; one line
};
[[nodiscard]] ImageQuality measure_quality(std::span<const float> reconstruction,
                                           std::span<const float> truth, Extent extent, PixelSize pixel,
                                           const Box& region);

/// `image` less the plane c + cy y + cx x that fits image - truth best in the region, least squares; [y][x],
/// the whole extent.
///
/// Ptychography determines neither the constant (a global phase) nor the ramp (a shift of the patterns).
[[nodiscard]] std::vector<float> remove_offset_and_ramp(std::span<const float> image,
                                                        std::span<const float> truth, Extent extent,
                                                        const Box& region);

/// Root mean square of reconstruction - truth after removal of offset and ramp, over the truth's standard
/// deviation in the region. 0 is perfect, 1 no better than a constant. Throws InputError for a truth that is
/// constant there.
[[nodiscard]] double relative_rmse(std::span<const float> reconstruction, std::span<const float> truth,
                                   Extent extent, const Box& region);

/// Mean structural similarity, at most 1: Wang et al., IEEE Trans. Image Process. 13, 600 (2004), K1 = 0.01,
/// K2 = 0.03.
///
/// Gaussian window of 1.5 px, 11 x 11, only where it lies wholly inside the region, which must be that large;
/// the data range is the truth's maximum minus minimum in the region.
[[nodiscard]] double structural_similarity(std::span<const float> image, std::span<const float> truth,
                                           Extent extent, const Box& region);

/// A Fourier ring correlation, one entry per ring, lowest frequency first.
struct RingCorrelation {
  std::vector<double> frequency_per_A; ///< middle of the ring
  std::vector<double> correlation;
  std::vector<double> half_bit; ///< the threshold for the ring's number of independent Fourier pixels
  /// 1 / frequency where the correlation first falls below the threshold, interpolated; the last ring's if it
  /// never does, and nothing if it is below from the start.
  std::optional<double> resolution_A;
};

/// A crystal has no signal between its Bragg rings, so that their correlation says nothing: a ring counts for
/// the resolution only if the truth's mean power in it is at least this share of that in every ring of higher
/// frequency.
inline constexpr double ring_signal_share = 0.01;

/// Correlation with the truth by rings one Fourier pixel wide, up to the Nyquist frequency of the larger
/// pixel. Half-bit threshold: van Heel and Schatz, J. Struct. Biol. 151, 250 (2005). The means are removed
/// and the edges apodised by a Hann window.
[[nodiscard]] RingCorrelation ring_correlation(std::span<const float> image, std::span<const float> truth,
                                               Extent extent, PixelSize pixel, const Box& region);

} // namespace ptychoscale
