#include "reference_multislice.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace ptychoscale::reference {
namespace {

using C = std::complex<double>;

double frequency(int i, int n) { return i < (n + 1) / 2 ? i : i - n; }

std::size_t at(int y, int x, Extent e) { return static_cast<std::size_t>(y * e.x + x); }

/// exp(sign 2 pi i j / n) for j = 0 .. n - 1.
Field roots_of_unity(int n, double sign) {
  Field roots;
  for (int j = 0; j < n; ++j) roots.push_back(std::polar(1.0, sign * 2 * std::numbers::pi * j / n));
  return roots;
}

Field fourier(const Field& f, Extent e, double sign) {
  const Field along_x = roots_of_unity(e.x, sign);
  const Field along_y = roots_of_unity(e.y, sign);
  Field rows(f.size());
  Field out(f.size());
  for (int y = 0; y < e.y; ++y)
    for (int k = 0; k < e.x; ++k)
      for (int x = 0; x < e.x; ++x)
        rows[at(y, k, e)] += f[at(y, x, e)] * along_x[static_cast<std::size_t>(k * x % e.x)];
  for (int k = 0; k < e.y; ++k)
    for (int x = 0; x < e.x; ++x)
      for (int y = 0; y < e.y; ++y)
        out[at(k, x, e)] += rows[at(y, x, e)] * along_y[static_cast<std::size_t>(k * y % e.y)];
  if (sign > 0)
    for (auto& v : out) v /= static_cast<double>(e.area());
  return out;
}

Field forward(const Field& f, Extent e) { return fourier(f, e, -1); }
Field inverse(const Field& f, Extent e) { return fourier(f, e, +1); }

template <class Factor> void multiply_reciprocal(Field& f, Extent e, const Factor& factor) {
  Field k = forward(f, e);
  for (int y = 0; y < e.y; ++y)
    for (int x = 0; x < e.x; ++x) k[at(y, x, e)] *= factor(frequency(y, e.y), frequency(x, e.x));
  f = inverse(k, e);
}

double two_thirds(const Model& m, double ny, double nx) {
  const double ky = ny / (m.grid.y * m.pixel.y);
  const double kx = nx / (m.grid.x * m.pixel.x);
  const double coarse = std::max(m.pixel.y, m.pixel.x);
  const double edge = 1.0 / (3.0 * coarse);
  const double taper = 0.01 / coarse;
  const double k = std::sqrt(ky * ky + kx * kx);
  if (k > edge) return 0;
  return k > edge - taper ? 0.5 * (1 + std::cos(std::numbers::pi * (k - edge + taper) / taper)) : 1;
}

/// target(y, x) = source(y + origin.y, x + origin.x), zero outside.
Field window_of(const Field& source, Extent from, Extent to, Offset origin) {
  Field target(to.area());
  for (int y = 0; y < to.y; ++y)
    for (int x = 0; x < to.x; ++x) {
      const int sy = y + origin.y;
      const int sx = x + origin.x;
      if (sy >= 0 && sy < from.y && sx >= 0 && sx < from.x) target[at(y, x, to)] = source[at(sy, sx, from)];
    }
  return target;
}

Field transmission(const Model& m, const std::vector<double>& potential, int slice, Offset on_tile) {
  Field t(m.grid.area(), C{1});
  for (int y = 0; y < m.grid.y; ++y)
    for (int x = 0; x < m.grid.x; ++x) {
      const int vy = y + on_tile.y;
      const int vx = x + on_tile.x;
      if (vy < 0 || vy >= m.volume.y || vx < 0 || vx >= m.volume.x) continue;
      const auto v = static_cast<std::size_t>(slice) * m.volume.area() + at(vy, vx, m.volume);
      t[at(y, x, m.grid)] = std::polar(1.0, m.sigma * potential[v]);
    }
  if (m.limited) multiply_reciprocal(t, m.grid, [&](double ky, double kx) { return two_thirds(m, ky, kx); });
  return t;
}

/// One mode's wave in front of the detector, reciprocal space, [ky][kx].
Field detector_wave(const Model& m, Field probe, const std::vector<double>& potential, Position position) {
  const double py = position.y / m.pixel.y;
  const double px = position.x / m.pixel.x;
  const Offset window{static_cast<int>(std::lround(py)) - m.detector.y / 2,
                      static_cast<int>(std::lround(px)) - m.detector.x / 2};
  for (int y = 0; y < m.detector.y; ++y)
    for (int x = 0; x < m.detector.x; ++x)
      probe[at(y, x, m.detector)] *=
          std::polar(1.0, -2 * std::numbers::pi *
                              (frequency(y, m.detector.y) * (py - window.y) / m.detector.y +
                               frequency(x, m.detector.x) * (px - window.x) / m.detector.x));
  Field psi = inverse(probe, m.detector);
  const Offset on_tile{window.y - m.origin.y, window.x - m.origin.x};
  if (m.tile) psi = window_of(psi, m.detector, m.grid, {-on_tile.y, -on_tile.x});
  const Offset grid_on_tile = m.tile ? Offset{} : on_tile;
  for (int s = 0; s < m.slices; ++s) {
    const Field t = transmission(m, potential, s, grid_on_tile);
    for (std::size_t i = 0; i < psi.size(); ++i) psi[i] *= t[i];
    multiply_reciprocal(psi, m.grid, [&](double ny, double nx) {
      const double ky = ny / (m.grid.y * m.pixel.y);
      const double kx = nx / (m.grid.x * m.pixel.x);
      return std::polar(m.limited ? two_thirds(m, ny, nx) : 1.0,
                        -std::numbers::pi * m.wavelength_A * m.thickness_A * (ky * ky + kx * kx));
    });
  }
  if (m.tile) psi = window_of(psi, m.grid, m.detector, on_tile);
  return forward(psi, m.detector);
}

} // namespace

std::vector<double> amplitudes(const Model& m, const std::vector<double>& potential, Position position) {
  std::vector<double> all(m.detector.area());
  const auto pixels = static_cast<std::ptrdiff_t>(all.size());
  for (auto mode = m.probe.begin(); mode != m.probe.end(); mode += pixels) {
    const Field wave = detector_wave(m, Field(mode, mode + pixels), potential, position);
    for (std::size_t k = 0; k < all.size(); ++k) all[k] += std::norm(wave[k]);
  }
  for (double& a : all) a = std::sqrt(a);
  return all;
}

double loss(const Model& m, const std::vector<double>& potential, Position position,
            const std::vector<double>& measured) {
  const auto model = amplitudes(m, potential, position);
  double sum = 0;
  for (std::size_t k = 0; k < model.size(); ++k) sum += std::pow(measured[k] - model[k], 2);
  return sum;
}

} // namespace ptychoscale::reference
