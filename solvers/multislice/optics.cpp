#include "ptychoscale/multislice/optics.hpp"

#include "ptychoscale/base/error.hpp"
#include "ptychoscale/base/physics.hpp"
#include "ptychoscale/compute/frequency.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace ptychoscale {
namespace {

/// Spatial frequency of FFT bin i of n, in 1/angstrom.
double frequency(int i, int n, double pixel_A) {
  return static_cast<double>(signed_frequency(i, n)) / (n * pixel_A);
}

/// Size of a reciprocal pixel in 1/angstrom along the direction of (ky, kx).
double reciprocal_pixel(double ky, double kx, Extent e, PixelSize pixel) {
  const double azimuth = std::atan2(ky, kx);
  return std::hypot(std::sin(azimuth) / (e.y * pixel.y), std::cos(azimuth) / (e.x * pixel.x));
}

template <class Body> void for_frequencies(Extent e, PixelSize pixel, const Body& body) {
  for (int y = 0; y < e.y; ++y)
    for (int x = 0; x < e.x; ++x) body(frequency(y, e.y, pixel.y), frequency(x, e.x, pixel.x));
}

void check_aperture(double k_aperture, Extent e, PixelSize pixel, double semiangle_mrad,
                    double wavelength_A) {
  const double k_max = 0.5 / std::max(pixel.y, pixel.x);
  if (k_aperture > k_max)
    throw InputError(
        fmt::format("semiangle_mrad: {} is outside the {} x {} grid with pixels of {} x {} A; at most {:.4g}",
                    semiangle_mrad, e.y, e.x, pixel.y, pixel.x, k_max * wavelength_A * 1e3));
}

/// How far the wave lags behind at an angle of the lens, in angstrom: chi lambda / (2 pi).
double path_A(const Optics& o, double alpha, double ky, double kx) {
  const double a2 = alpha * alpha;
  double path = o.C10_A * a2 / 2 + o.C30_A * a2 * a2 / 4;
  for_each_aberration(o.aberrations, [&](const AberrationTerm& t, const Aberration& a) {
    const double turn = t.m * (std::atan2(ky, kx) - a.angle_deg * std::numbers::pi / 180);
    path += a.magnitude_A * std::pow(alpha, t.n + 1) / (t.n + 1) * std::cos(turn);
  });
  return path;
}

/// How far from the middle a ray meets the entrance surface, in angstrom: the slope of path_A().
double ray_A(const Optics& o, double alpha, double azimuth) {
  double along = o.C10_A * alpha + o.C30_A * alpha * alpha * alpha;
  double across = 0;
  for_each_aberration(o.aberrations, [&](const AberrationTerm& t, const Aberration& a) {
    const double turn = t.m * (azimuth - a.angle_deg * std::numbers::pi / 180);
    const double slope = a.magnitude_A * std::pow(alpha, t.n);
    along += slope * std::cos(turn);
    across -= slope * t.m / (t.n + 1) * std::sin(turn);
  });
  return std::hypot(along, across);
}

/// Over the whole aperture, half a degree and a 64th of its radius apart.
double widest_ray_A(const Optics& o) {
  double widest = 0;
  for (int ring = 1; ring <= 64; ++ring)
    for (int spoke = 0; spoke < 720; ++spoke)
      widest =
          std::max(widest, ray_A(o, o.semiangle_mrad * 1e-3 * ring / 64, spoke * std::numbers::pi / 360));
  return widest;
}

} // namespace

std::vector<Complex> make_probe(const Optics& o, Extent e, PixelSize pixel) {
  const double wavelength = electron_wavelength_A(o.energy_eV);
  const double edge = o.semiangle_mrad * 1e-3;
  check_aperture(edge / wavelength, e, pixel, o.semiangle_mrad, wavelength);
  std::vector<std::complex<double>> probe;
  probe.reserve(e.area());
  double power = 0;
  for_frequencies(e, pixel, [&](double ky, double kx) {
    const double alpha = wavelength * std::hypot(ky, kx);
    const auto softened = [&] {
      const double edge_width = reciprocal_pixel(ky, kx, e, pixel) * wavelength;
      return std::clamp((edge - alpha) / edge_width + 0.5, 0.0, 1.0);
    };
    const double amplitude = o.soft_aperture ? softened() : (alpha <= edge ? 1.0 : 0.0);
    const double chi = 2 * std::numbers::pi / wavelength * path_A(o, alpha, ky, kx);
    probe.push_back(std::polar(amplitude, -chi));
    power += amplitude * amplitude;
  });
  std::vector<Complex> normalised;
  normalised.reserve(probe.size());
  for (const auto& p : probe) normalised.emplace_back(p / std::sqrt(power));
  return normalised;
}

ApertureProbe crop_to_aperture(std::span<const Complex> probe, Extent e) {
  Box box{e.y, -e.y, e.x, -e.x};
  for (std::size_t i = 0; i < probe.size(); ++i) {
    if (probe[i] == Complex{}) continue;
    const std::size_t pixel = i % e.area(), width = static_cast<std::size_t>(e.x);
    const int ky = signed_frequency(static_cast<int>(pixel / width), e.y);
    const int kx = signed_frequency(static_cast<int>(pixel % width), e.x);
    box = {std::min(box.y0, ky), std::max(box.y1, ky + 1), std::min(box.x0, kx), std::max(box.x1, kx + 1)};
  }
  if (box.empty()) throw InputError("probe: is zero everywhere; valid: an aperture of at least one pixel");
  ApertureProbe lit{box, {}};
  for (; !probe.empty(); probe = probe.subspan(e.area()))
    for (int ky = box.y0; ky < box.y1; ++ky)
      for (int kx = box.x0; kx < box.x1; ++kx)
        lit.values.push_back(
            probe[static_cast<std::size_t>(frequency_bin(ky, e.y)) * static_cast<std::size_t>(e.x) +
                  static_cast<std::size_t>(frequency_bin(kx, e.x))]);
  return lit;
}

std::vector<Complex> extend_aperture(const ApertureProbe& lit, Extent e) {
  const auto modes = static_cast<std::size_t>(lit.modes());
  std::vector<Complex> probe(modes * e.area());
  auto value = lit.values.begin();
  for (std::size_t mode = 0; mode < modes; ++mode)
    for (int ky = lit.box.y0; ky < lit.box.y1; ++ky)
      for (int kx = lit.box.x0; kx < lit.box.x1; ++kx)
        probe[mode * e.area() +
              static_cast<std::size_t>(frequency_bin(ky, e.y)) * static_cast<std::size_t>(e.x) +
              static_cast<std::size_t>(frequency_bin(kx, e.x))] = *value++;
  return probe;
}

double circle_radius_A(const Optics& o) {
  const double edge = o.semiangle_mrad * 1e-3;
  const auto radius = [&](double alpha) {
    return std::abs(o.C10_A * alpha + o.C30_A * alpha * alpha * alpha);
  };
  double widest = std::max(radius(edge), 0.61 * electron_wavelength_A(o.energy_eV) / edge);
  if (!is_round(o.aberrations)) return std::max(widest, widest_ray_A(o));
  if (o.C30_A != 0) {
    const double turning2 = -o.C10_A / (3 * o.C30_A);
    if (turning2 > 0 && turning2 < edge * edge) widest = std::max(widest, radius(std::sqrt(turning2)));
  }
  return widest;
}

std::vector<float> bandwidth_mask(Extent e, PixelSize pixel, double cutoff, double taper) {
  const double coarser = std::max(pixel.y, pixel.x);
  const double limit = cutoff / (2 * coarser);
  const double width = taper / coarser;
  std::vector<float> mask;
  mask.reserve(e.area());
  for_frequencies(e, pixel, [&](double ky, double kx) {
    const double k = std::hypot(ky, kx);
    const double inside =
        k > limit - width ? 0.5 * (1 + std::cos(std::numbers::pi * (k - limit + width) / width)) : 1.0;
    mask.push_back(static_cast<float>(k > limit ? 0.0 : inside));
  });
  return mask;
}

std::vector<Complex> fresnel_factor(int n, double pixel_A, double wavelength_A, double distance_A,
                                    double weight) {
  std::vector<Complex> factor;
  for (int i = 0; i < n; ++i) {
    const double k = frequency(i, n, pixel_A);
    factor.emplace_back(std::polar(weight, -std::numbers::pi * wavelength_A * distance_A * k * k));
  }
  return factor;
}

Extent fast_extent(Extent e) {
  const auto fast_length = [](int n) {
    for (;; ++n) {
      int rest = n;
      for (const int prime : {2, 3, 5, 7})
        while (rest % prime == 0) rest /= prime;
      if (rest == 1) return n;
    }
  };
  return {fast_length(e.y), fast_length(e.x)};
}

} // namespace ptychoscale
