#include "ptychoscale/simulate/potential.hpp"

#include "double_fft.hpp"
#include "fourier_half_plane.hpp"
#include "ptychoscale/base/error.hpp"
#include "structure_sum.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <map>
#include <string_view>
#include <utility>

namespace ptychoscale {
namespace {

/// h^2 / (2 pi m e) in V * angstrom^2, m the electron's rest mass; CODATA 2018.
constexpr double potential_per_factor = 47.877647305682;

/// Rows put back into real space together: they fill whole cache lines of every column.
constexpr int rows_at_once = 8;

void require_positive(std::string_view field, double value) {
  if (!(value > 0) || !std::isfinite(value))
    throw InputError(fmt::format("potential grid: {} is {}; it must be positive", field, value));
}

Extent checked(Extent extent, PixelSize pixel, int threads) {
  require_positive("extent y", extent.y);
  require_positive("extent x", extent.x);
  require_positive("pixel size y", pixel.y);
  require_positive("pixel size x", pixel.x);
  require_positive("threads", threads);
  return extent;
}

} // namespace

struct PotentialGenerator::Impl {
  Impl(Extent grid, PixelSize pixel, ScatteringFactors parametrisation, Sum sum, int thread_count)
      : extent(checked(grid, pixel, thread_count)), period_A{pixel.y * grid.y, pixel.x * grid.x},
        factors(parametrisation), threads(thread_count),
        structure_sum(sum == Sum::exact ? make_exact_sum(grid, thread_count)
                                        : make_nonuniform_fft(grid, thread_count)),
        inverse_y(grid.y, DoubleFft::Kind::inverse), inverse_x(grid.x, DoubleFft::Kind::complex_to_real),
        coefficients(grid.x, grid.y) {}

  const Weights& weights_of(int atomic_number, double B_A2);
  [[nodiscard]] Weights make_weights(int atomic_number, double B_A2) const;
  [[nodiscard]] std::vector<Position> fractions(std::span<const Position> sites) const;
  void columns_to_real_space();
  [[nodiscard]] std::vector<double> rows_to_real_space() const;

  Extent extent;
  PixelSize period_A;
  ScatteringFactors factors;
  int threads;
  std::unique_ptr<StructureSum> structure_sum;
  DoubleFft inverse_y;
  DoubleFft inverse_x;
  Coefficients coefficients;
  std::map<std::pair<int, double>, Weights> weights; ///< by species; the same few serve every slice
};

const Weights& PotentialGenerator::Impl::weights_of(int atomic_number, double B_A2) {
  const std::pair key{atomic_number, B_A2};
  auto found = weights.find(key);
  if (found == weights.end()) found = weights.emplace(key, make_weights(atomic_number, B_A2)).first;
  return found->second;
}

// What a structure factor is multiplied by to become the potential's Fourier coefficient.
Weights PotentialGenerator::Impl::make_weights(int atomic_number, double B_A2) const {
  const double scale = potential_per_factor / (period_A.y * period_A.x);
  (void)scattering_factor_A(factors, atomic_number, 0); // may throw, which the loop below must not
  Weights result(extent.x, extent.y / 2 + 1);
#pragma omp parallel for schedule(static) num_threads(threads)
  for (int kx = 0; kx < result.columns(); ++kx) {
    const auto column = result.column(kx);
    for (std::size_t ky = 0; ky < column.size(); ++ky) {
      const double y = static_cast<double>(ky) / period_A.y;
      const double x = kx / period_A.x;
      const double k2 = y * y + x * x;
      column[ky] = scale * scattering_factor_A(factors, atomic_number, k2) * std::exp(-B_A2 * k2 / 4);
    }
  }
  return result;
}

std::vector<Position> PotentialGenerator::Impl::fractions(std::span<const Position> sites) const {
  std::vector<Position> result;
  result.reserve(sites.size());
  for (const Position& site : sites) result.push_back({site.y / period_A.y, site.x / period_A.x});
  return result;
}

void PotentialGenerator::Impl::columns_to_real_space() {
#pragma omp parallel for schedule(static) num_threads(threads)
  for (int kx = 0; kx < coefficients.columns(); ++kx) inverse_y.run(coefficients.column(kx).data());
}

std::vector<double> PotentialGenerator::Impl::rows_to_real_space() const {
  std::vector<double> potential(extent.area());
  const auto width = static_cast<std::size_t>(extent.x);
  const auto columns = static_cast<std::size_t>(coefficients.columns());
#pragma omp parallel num_threads(threads)
  {
    std::vector<FftVector<std::complex<double>>> spectra(rows_at_once,
                                                         FftVector<std::complex<double>>(columns));
    FftVector<double> line(width);
#pragma omp for schedule(static)
    for (int first = 0; first < extent.y; first += rows_at_once) {
      const auto count = static_cast<std::size_t>(std::min(rows_at_once, extent.y - first));
      const auto row = static_cast<std::size_t>(first);
      for (std::size_t kx = 0; kx < columns; ++kx) {
        const auto column = coefficients.column(static_cast<int>(kx));
        for (std::size_t i = 0; i < count; ++i) spectra[i][kx] = column[row + i];
      }
      for (std::size_t i = 0; i < count; ++i) {
        // Frequencies that are their own mirror images: only the real part is a wave of a real field.
        spectra[i][0].imag(0);
        if (extent.x % 2 == 0) spectra[i][columns - 1].imag(0);
        inverse_x.run(spectra[i].data(), line.data());
        std::copy(line.begin(), line.end(), potential.data() + (row + i) * width);
      }
    }
  }
  return potential;
}

PotentialGenerator::PotentialGenerator(Extent extent, PixelSize pixel, ScatteringFactors factors, Sum sum,
                                       int threads)
    : impl_(std::make_unique<Impl>(extent, pixel, factors, sum, threads)) {}
PotentialGenerator::~PotentialGenerator() = default;
PotentialGenerator::PotentialGenerator(PotentialGenerator&&) noexcept = default;

double PotentialGenerator::bytes(Extent extent, Sum sum, double sites, int threads) {
  constexpr double species = 3;
  const double structure = sum == Sum::exact ? exact_sum_bytes(extent, sites, threads)
                                             : nonuniform_fft_bytes(extent, sites, threads);
  const double fields = Coefficients::bytes(extent.x, extent.y) +
                        species * Weights::bytes(extent.x, extent.y / 2 + 1) +
                        sizeof(double) * static_cast<double>(extent.area());
  return fields + structure + 2 * sizeof(Position) * sites;
}

std::vector<double> PotentialGenerator::slice(std::span<const SpeciesInSlice> atoms) {
  impl_->coefficients.zero();
  for (const SpeciesInSlice& species : atoms)
    impl_->structure_sum->add(impl_->fractions(species.sites),
                              impl_->weights_of(species.atomic_number, species.B_A2), impl_->coefficients);
  impl_->columns_to_real_space();
  return impl_->rows_to_real_space();
}

} // namespace ptychoscale
