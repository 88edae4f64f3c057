#include "ptychoscale/quality/quality.hpp"
#include "region.hpp"

#include <fftw3.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <memory>
#include <numbers>

namespace ptychoscale {
namespace {

using Spectrum = std::vector<std::complex<double>>; ///< [ky][kx >= 0], zero frequency first

double hann(int i, int n) { return 0.5 - 0.5 * std::cos(2 * std::numbers::pi * (i + 0.5) / n); }

/// Fourier transform of the region, its mean removed and its edges apodised.
Spectrum spectrum_of(std::span<const float> image, Extent extent, const Box& region) {
  const Extent n = region.extent();
  std::vector<double> field(n.area());
  double mean = 0;
  for (int y = 0; y < n.y; ++y)
    for (int x = 0; x < n.x; ++x)
      mean += at(image, extent, region.y0 + y, region.x0 + x) / static_cast<double>(n.area());
  for (int y = 0; y < n.y; ++y)
    for (int x = 0; x < n.x; ++x)
      field[static_cast<std::size_t>(y) * static_cast<std::size_t>(n.x) + static_cast<std::size_t>(x)] =
          (at(image, extent, region.y0 + y, region.x0 + x) - mean) * hann(y, n.y) * hann(x, n.x);
  Spectrum spectrum(static_cast<std::size_t>(n.y) * static_cast<std::size_t>(n.x / 2 + 1));
  const std::unique_ptr<std::remove_pointer_t<fftw_plan>, decltype(&fftw_destroy_plan)> plan(
      fftw_plan_dft_r2c_2d(n.y, n.x, field.data(), reinterpret_cast<fftw_complex*>(spectrum.data()),
                           FFTW_ESTIMATE),
      &fftw_destroy_plan);
  if (!plan)
    throw RunError("FFTW: no plan for a " + std::to_string(n.y) + " x " + std::to_string(n.x) + " transform");
  fftw_execute(plan.get());
  return spectrum;
}

struct Ring {
  double cross = 0;
  double image = 0;
  double truth = 0;
  double pixels = 0; ///< independent ones: the half plane
};

/// Sums over rings of width `ring_per_A` below `last_per_A`; ring 0 holds the zero frequency.
std::vector<Ring> sum_rings(const Spectrum& image, const Spectrum& truth, Extent n, PixelSize pixel,
                            double ring_per_A, double last_per_A) {
  std::vector<Ring> rings(static_cast<std::size_t>(last_per_A / ring_per_A + 0.5));
  const int half = n.x / 2 + 1;
  for (int y = 0; y < n.y; ++y)
    for (int x = 0; x < half; ++x) {
      const bool conjugate_pair_counted = x == 0 && y > n.y / 2;
      const double ky = (y > n.y / 2 ? y - n.y : y) / (n.y * pixel.y);
      const auto r = static_cast<std::size_t>(std::hypot(ky, x / (n.x * pixel.x)) / ring_per_A + 0.5);
      if (conjugate_pair_counted || r >= rings.size()) continue;
      const std::size_t i =
          static_cast<std::size_t>(y) * static_cast<std::size_t>(half) + static_cast<std::size_t>(x);
      rings[r].cross += std::real(image[i] * std::conj(truth[i]));
      rings[r].image += std::norm(image[i]);
      rings[r].truth += std::norm(truth[i]);
      rings[r].pixels += 1;
    }
  return rings;
}

/// Half a bit of information per Fourier pixel; van Heel and Schatz (2005), eq. 17.
double half_bit_threshold(double pixels) {
  const double root = std::sqrt(pixels);
  return (0.2071 + 1.9102 / root) / (1.2071 + 0.9102 / root);
}

/// Whether each ring holds signal; see ring_signal_share.
std::vector<bool> rings_with_signal(const std::vector<Ring>& rings) {
  std::vector<bool> holds(rings.size());
  double strongest_above = 0;
  for (std::size_t r = rings.size(); r-- > 0;) {
    const double power = rings[r].truth / std::max(rings[r].pixels, 1.0);
    holds[r] = power > 0 && power >= ring_signal_share * strongest_above;
    strongest_above = std::max(strongest_above, power);
  }
  return holds;
}

/// Where the correlation first falls below the threshold on the rings that count.
std::optional<double> first_crossing(const RingCorrelation& curve, const std::vector<bool>& counts) {
  std::optional<std::size_t> before;
  for (std::size_t i = 0; i < curve.correlation.size(); ++i) {
    if (!counts[i]) continue;
    const double above = curve.correlation[i] - curve.half_bit[i];
    if (above < 0) {
      if (!before) return std::nullopt;
      const double above_before = curve.correlation[*before] - curve.half_bit[*before];
      const double share = above_before / (above_before - above);
      return 1 / std::lerp(curve.frequency_per_A[*before], curve.frequency_per_A[i], share);
    }
    before = i;
  }
  if (!before) return std::nullopt;
  return 1 / curve.frequency_per_A[*before];
}

} // namespace

RingCorrelation ring_correlation(std::span<const float> image, std::span<const float> truth, Extent extent,
                                 PixelSize pixel, const Box& region) {
  constexpr int least = 16; // pixels: below, there are too few rings to cross a threshold on
  check_images(image, truth, extent, region, least);
  const Extent n = region.extent();
  const double ring_per_A = std::max(1 / (n.y * pixel.y), 1 / (n.x * pixel.x));
  const double nyquist_per_A = 0.5 / std::max(pixel.y, pixel.x);
  std::vector<Ring> rings = sum_rings(spectrum_of(image, extent, region), spectrum_of(truth, extent, region),
                                      n, pixel, ring_per_A, nyquist_per_A);
  rings.erase(rings.begin()); // the mean is not determined
  RingCorrelation curve;
  for (std::size_t r = 0; r < rings.size(); ++r) {
    const double power = std::sqrt(rings[r].image * rings[r].truth);
    curve.frequency_per_A.push_back(static_cast<double>(r + 1) * ring_per_A);
    curve.correlation.push_back(power > 0 ? rings[r].cross / power : 0);
    curve.half_bit.push_back(half_bit_threshold(rings[r].pixels));
  }
  curve.resolution_A = first_crossing(curve, rings_with_signal(rings));
  return curve;
}

} // namespace ptychoscale
