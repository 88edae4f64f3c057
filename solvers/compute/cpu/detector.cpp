#include "detector.hpp"

#include "ptychoscale/base/half.hpp"
#include "ptychoscale/compute/frequency.hpp"
#include "row_of.hpp"
#include "row_on_slice.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

namespace ptychoscale::cpu {
namespace {

/// exp(-2 pi i k shift / n) for k = 0, 1, .., -1 in FFT order.
std::vector<std::complex<double>> shift_ramp(int n, double shift) {
  std::vector<std::complex<double>> ramp(static_cast<std::size_t>(n));
  for (int i = 0; i < n; ++i) {
    const int k = signed_frequency(i, n);
    ramp[static_cast<std::size_t>(i)] = std::polar(1.0, -2 * std::numbers::pi * k * shift / n);
  }
  return ramp;
}

float amplitude_of(float stored) { return stored; }
float amplitude_of(std::uint16_t stored) { return float_from_half(stored) * half_amplitude_unit; }

/// What a pixel adds to the loss squared: |W| - a, or nothing where `a` is no_weight.
float residual(float modulus, float measured) { return measured < 0 ? 0.0F : modulus - measured; }

/// Each pattern's loss from its rows', so that it does not depend on the number of threads.
void add_rows(const std::vector<double>& of_row, std::size_t rows, std::span<double> losses) {
  const double* first = of_row.data();
  for (double& loss : losses) {
    loss = std::accumulate(first, first + rows, 0.0);
    first += rows;
  }
}

template <class Stored>
void amplitude_loss_against(const Stored* amplitudes, Team& team, Waves waves, Waves adjoint,
                            std::span<double> losses) {
  const Extent e = waves.extent;
  const float scale = static_cast<float>(e.area());
  const float least = undetermined_amplitude(e);
  const auto rows = static_cast<std::size_t>(e.y);
  std::vector<double> of_row(static_cast<std::size_t>(waves.count) * rows);
  for_rows(team, waves, [&](int wave, int y, Scratch&) {
    const Complex* w = row_of(waves, wave, y);
    Complex* r = row_of(adjoint, wave, y);
    const Stored* a = amplitudes + (w - waves.data);
    double sum = 0;
    for (int x = 0; x < e.x; ++x) {
      const float modulus = std::sqrt(std::norm(w[x]));
      const float difference = residual(modulus, amplitude_of(a[x]));
      sum += static_cast<double>(difference) * static_cast<double>(difference);
      r[x] = modulus > least ? w[x] * (scale * difference / modulus) : Complex{};
    }
    of_row[static_cast<std::size_t>(wave) * rows + static_cast<std::size_t>(y)] = sum;
  });
  add_rows(of_row, rows, losses);
}

/// The same where several modes add up to one pattern. A row of the first mode's adjoint holds what all of
/// them are multiplied with, until it is its turn.
template <class Stored>
void amplitude_loss_of_modes(const Stored* amplitudes, Team& team, Waves waves, Waves adjoint,
                             std::span<double> losses) {
  const Extent e = waves.extent;
  const float scale = static_cast<float>(e.area());
  const float least = undetermined_amplitude(e);
  const auto rows = static_cast<std::size_t>(e.y);
  const int positions = static_cast<int>(losses.size());
  std::vector<double> of_row(losses.size() * rows);
  for_rows(team, {waves.data, positions, e}, [&](int position, int y, Scratch&) {
    Complex* factor = row_of(adjoint, position, y);
    std::fill_n(factor, e.x, Complex{});
    for (int wave = position; wave < waves.count; wave += positions) {
      const Complex* w = row_of(waves, wave, y);
      for (int x = 0; x < e.x; ++x) factor[x].real(factor[x].real() + std::norm(w[x]));
    }
    const Stored* a = amplitudes + (row_of(waves, position, y) - waves.data);
    double sum = 0;
    for (int x = 0; x < e.x; ++x) {
      const float modulus = std::sqrt(factor[x].real());
      const float difference = residual(modulus, amplitude_of(a[x]));
      sum += static_cast<double>(difference) * static_cast<double>(difference);
      factor[x].real(modulus > least ? scale * difference / modulus : 0.0F);
    }
    of_row[static_cast<std::size_t>(position) * rows + static_cast<std::size_t>(y)] = sum;
    for (int wave = waves.count - positions + position; wave >= 0; wave -= positions) {
      const Complex* w = row_of(waves, wave, y);
      Complex* r = row_of(adjoint, wave, y);
      for (int x = 0; x < e.x; ++x) r[x] = w[x] * factor[x].real();
    }
  });
  add_rows(of_row, rows, losses);
}

} // namespace

void shift_probe(Team& team, Waves waves, const Aperture& probe, std::span<const Backend::Shift> pixels) {
  const Extent e = waves.extent;
  const Box box = probe.box;
  for (int wave = 0; wave < waves.count; ++wave) {
    const auto shift = pixels[static_cast<std::size_t>(wave)];
    const auto ramp_y = shift_ramp(e.y, shift.y);
    const auto ramp_x = shift_ramp(e.x, shift.x);
    for_rows(team, waves.one(wave), [&](int, int y, Scratch&) {
      Complex* row = row_of(waves, wave, y);
      std::fill_n(row, e.x, Complex{});
      const int ky = signed_frequency(y, e.y);
      if (ky < box.y0 || ky >= box.y1) return;
      const Complex* source = row_of(probe.data, box.extent(), ky - box.y0);
      for (int kx = box.x0; kx < box.x1; ++kx) {
        const int x = frequency_bin(kx, e.x);
        row[x] =
            *source++ * Complex(ramp_y[static_cast<std::size_t>(y)] * ramp_x[static_cast<std::size_t>(x)]);
      }
    });
  }
}

void gather_probe(Team& team, Waves waves, Complex* gradient, Box box,
                  std::span<const Backend::Shift> pixels) {
  const Extent e = waves.extent;
  const Waves rows{gradient, 1, box.extent()};
  const double scale = 1 / static_cast<double>(e.area());
  for (int wave = 0; wave < waves.count; ++wave) {
    const auto shift = pixels[static_cast<std::size_t>(wave)];
    const auto ramp_y = shift_ramp(e.y, -shift.y);
    const auto ramp_x = shift_ramp(e.x, -shift.x);
    for_rows(team, rows, [&](int, int row, Scratch&) {
      const int y = frequency_bin(row + box.y0, e.y);
      const Complex* source = row_of(waves, wave, y);
      const auto along_y = scale * ramp_y[static_cast<std::size_t>(y)];
      Complex* sum = row_of(rows, 0, row);
      for (int kx = box.x0; kx < box.x1; ++kx) {
        const auto x = static_cast<std::size_t>(frequency_bin(kx, e.x));
        *sum++ += source[x] * Complex(along_y * ramp_x[x]);
      }
    });
  }
}

void place(Team& team, Waves target, Waves source, Offset origin) {
  for_rows(team, target, [&](int wave, int y, Scratch&) {
    Complex* row = row_of(target, wave, y);
    const auto seg = segment_on(source.extent, origin, y, target.extent.x);
    if (seg.n == 0) {
      std::fill_n(row, target.extent.x, Complex{});
      return;
    }
    std::fill_n(row, seg.first, Complex{});
    std::copy_n(row_of(source, wave, seg.y) + seg.x, seg.n, row + seg.first);
    std::fill(row + seg.first + seg.n, row + target.extent.x, Complex{});
  });
}

void amplitude_loss(Team& team, Waves waves, Amplitudes amplitudes, Waves adjoint, std::span<double> losses) {
  const bool one_mode = static_cast<std::size_t>(waves.count) == losses.size();
  std::visit(
      [&](const auto* stored) {
        one_mode ? amplitude_loss_against(stored, team, waves, adjoint, losses)
                 : amplitude_loss_of_modes(stored, team, waves, adjoint, losses);
      },
      amplitudes);
}

void intensity(Team& team, Waves waves, float* intensities) {
  for_rows(team, waves, [&](int wave, int y, Scratch&) {
    const Complex* w = row_of(waves, wave, y);
    float* out = intensities + (w - waves.data);
    for (int x = 0; x < waves.extent.x; ++x) out[x] = std::norm(w[x]);
  });
}

} // namespace ptychoscale::cpu
