#include "double_fft.hpp"
#include "ptychoscale/multislice/optics.hpp"
#include "structure_sum.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <complex>
#include <numbers>
#include <utility>
#include <vector>

namespace ptychoscale {
namespace {

/// Points of the fine grid a site is spread over, along each axis.
constexpr int width = 13;
/// Exponent of the kernel for a grid twice as fine (Barnett et al., sec. 3.2).
constexpr double beta = 2.30 * width;
/// Lines gathered and transformed together: a block of columns fills whole cache lines of every row.
constexpr int block = 8;

double kernel(double z) { return std::exp(beta * (std::sqrt(std::max(0.0, 1 - z * z)) - 1)); }

// 1 / integral of kernel(2 u / width) exp(-2 pi i k u / fine) du for k in [0, count). The kernel all but
// vanishes (exp(-beta) = 1e-13) at both ends, so that the trapezoid rule converges exponentially.
std::vector<double> deconvolution(int count, int fine) {
  constexpr int panels = 256;
  std::vector<double> factors(static_cast<std::size_t>(count));
  for (int k = 0; k < count; ++k) {
    const double turn = std::numbers::pi * width * k / fine;
    double sum = kernel(0) / 2;
    for (int i = 1; i <= panels; ++i) {
      const double z = static_cast<double>(i) / panels;
      sum += kernel(z) * std::cos(turn * z);
    }
    factors[static_cast<std::size_t>(k)] = panels / (width * sum);
  }
  return factors;
}

/// A site's share along one axis: kernel values at fine points first, first + 1, ... (modulo the period).
struct Spread {
  int first = 0;
  std::array<double, width> share{};
};

Spread spread(double fraction, int fine) {
  const double u = std::min((fraction - std::floor(fraction)) * fine, static_cast<double>(fine));
  const int first = static_cast<int>(std::ceil(u - width / 2.0));
  Spread s{(first % fine + fine) % fine, {}};
  for (int i = 0; i < width; ++i)
    s.share[static_cast<std::size_t>(i)] = kernel((first + i - u) * 2.0 / width);
  return s;
}

/// Sites ready to be spread, sorted by their first fine row.
struct SpreadSites {
  std::vector<Spread> y;
  std::vector<Spread> x;
  std::vector<std::size_t> row_begin; ///< sites [row_begin[r], row_begin[r + 1]) start in row r
};

SpreadSites prepare(std::span<const Position> fractions, Extent fine) {
  SpreadSites sites;
  std::vector<Spread> along_y(fractions.size());
  std::vector<std::size_t> order(fractions.size());
  sites.row_begin.assign(static_cast<std::size_t>(fine.y) + 1, 0);
  for (std::size_t i = 0; i < fractions.size(); ++i) {
    order[i] = i;
    along_y[i] = spread(fractions[i].y, fine.y);
    ++sites.row_begin[static_cast<std::size_t>(along_y[i].first) + 1];
  }
  for (std::size_t r = 1; r < sites.row_begin.size(); ++r) sites.row_begin[r] += sites.row_begin[r - 1];
  std::ranges::sort(order, {}, [&](std::size_t i) { return std::pair(along_y[i].first, i); });
  for (const std::size_t i : order) {
    sites.y.push_back(along_y[i]);
    sites.x.push_back(spread(fractions[i].x, fine.x));
  }
  return sites;
}

// Adds to `line` (one period, then `width` points that wrap around) all that reaches fine row `row`; true if
// anything did.
bool spread_row(const SpreadSites& sites, int row, int rows, std::span<double> line) {
  bool any = false;
  for (int i = 0; i < width; ++i) {
    const auto start = static_cast<std::size_t>((row - i + rows) % rows);
    for (std::size_t site = sites.row_begin[start]; site < sites.row_begin[start + 1]; ++site) {
      const double share_y = sites.y[site].share[static_cast<std::size_t>(i)];
      double* target = line.data() + sites.x[site].first;
      for (std::size_t j = 0; j < width; ++j) target[j] += share_y * sites.x[site].share[j];
      any = true;
    }
  }
  const std::size_t period = line.size() - width;
  for (std::size_t j = 0; j < width; ++j) line[j] += line[period + j];
  return any;
}

int fine_length(int n) { return fast_extent({std::max(2 * n, 2 * width), 1}).y; }

class NonuniformFft final : public StructureSum {
public:
  NonuniformFft(Extent extent, int threads)
      : extent_(extent), fine_{fine_length(extent.y), fine_length(extent.x)}, threads_(threads),
        columns_(extent.x / 2 + 1), along_x_(fine_.x, DoubleFft::Kind::real_to_complex),
        along_y_(fine_.y, DoubleFft::Kind::forward), deconvolve_y_(deconvolution(extent.y / 2 + 1, fine_.y)),
        deconvolve_x_(deconvolution(columns_, fine_.x)), rows_(static_cast<std::size_t>(fine_.y) * pitch()) {}

  void add(std::span<const Position> fractions, const Weights& weights, Coefficients& coefficients) override {
    if (fractions.empty()) return;
    transform_rows(prepare(fractions, fine_));
    transform_columns(weights, coefficients);
  }

private:
  [[nodiscard]] std::size_t pitch() const { return static_cast<std::size_t>(columns_); }

  // Spreads and transforms the fine rows one by one and keeps the frequencies of the grid: the fine real grid
  // never exists as a whole.
  void transform_rows(const SpreadSites& sites) {
#pragma omp parallel num_threads(threads_)
    {
      FftVector<double> line(static_cast<std::size_t>(fine_.x) + width);
      FftVector<std::complex<double>> spectrum(static_cast<std::size_t>(fine_.x) / 2 + 1);
#pragma omp for schedule(static)
      for (int row = 0; row < fine_.y; ++row) {
        std::complex<double>* target = rows_.data() + static_cast<std::size_t>(row) * pitch();
        std::fill(line.begin(), line.end(), 0.0);
        if (spread_row(sites, row, fine_.y, line)) {
          along_x_.run(line.data(), spectrum.data());
          std::copy_n(spectrum.data(), columns_, target);
        } else {
          std::fill_n(target, columns_, 0.0);
        }
      }
    }
  }

  void transform_columns(const Weights& weights, Coefficients& coefficients) {
#pragma omp parallel num_threads(threads_)
    {
      std::vector<FftVector<std::complex<double>>> lines(
          block, FftVector<std::complex<double>>(static_cast<std::size_t>(fine_.y)));
#pragma omp for schedule(static)
      for (int first = 0; first < columns_; first += block) {
        const int count = std::min(block, columns_ - first);
        for (std::size_t row = 0; row < static_cast<std::size_t>(fine_.y); ++row)
          for (int i = 0; i < count; ++i)
            lines[static_cast<std::size_t>(i)][row] =
                rows_[row * pitch() + static_cast<std::size_t>(first + i)];
        for (int i = 0; i < count; ++i) {
          auto& line = lines[static_cast<std::size_t>(i)];
          along_y_.run(line.data());
          add_column(line, first + i, weights, coefficients);
        }
      }
    }
  }

  void add_column(std::span<const std::complex<double>> line, int kx, const Weights& weights,
                  Coefficients& coefficients) const {
    const auto column = coefficients.column(kx);
    const auto weight = weights.column(kx);
    const bool inner = kx > 0 && 2 * kx < extent_.x;
    for (std::size_t ky = 0; ky < column.size(); ++ky) {
      const std::size_t row = mirrored(ky, extent_.y);
      const std::complex<double> plus = line[row];
      const std::complex<double> minus = line[row == 0 ? 0 : line.size() - row];
      std::complex<double> sum = ky == row ? plus : minus;
      if (inner && 2 * ky == column.size()) sum = (plus + minus) / 2.0;
      column[ky] += weight[row] * deconvolve_y_[row] * deconvolve_x_[static_cast<std::size_t>(kx)] * sum;
    }
  }

  Extent extent_;
  Extent fine_;
  int threads_;
  int columns_;
  DoubleFft along_x_;
  DoubleFft along_y_;
  std::vector<double> deconvolve_y_;
  std::vector<double> deconvolve_x_;
  FftVector<std::complex<double>> rows_; ///< [fine y][kx]
};

} // namespace

double nonuniform_fft_bytes(Extent extent, double sites, int threads) {
  const double fine_y = fine_length(extent.y);
  const double rows = fine_y * (extent.x / 2 + 1);
  const double lines = block * fine_y + fine_length(extent.x);    // of a thread
  const double spread = 3 * sizeof(Spread) + sizeof(std::size_t); // along y they are sorted into a copy
  return sizeof(std::complex<double>) * (rows + threads * lines) + spread * sites;
}

std::unique_ptr<StructureSum> make_nonuniform_fft(Extent extent, int threads) {
  return std::make_unique<NonuniformFft>(extent, threads);
}

} // namespace ptychoscale
