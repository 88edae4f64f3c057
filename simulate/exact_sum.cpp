#include "structure_sum.hpp"

#include <cmath>
#include <complex>
#include <numbers>
#include <vector>

namespace ptychoscale {
namespace {

using Phases = std::vector<std::complex<double>>;

// exp(-2 pi i k t)
std::complex<double> phase(int k, double t) {
  const double turns = static_cast<double>(k) * t;
  return std::polar(1.0, -2 * std::numbers::pi * (turns - std::floor(turns)));
}

class ExactSum final : public StructureSum {
public:
  ExactSum(Extent extent, int threads) : extent_(extent), threads_(threads) {}

  // The phases are separable: S(ky, kx) is a product of the matrices (ky, site) and (site, kx).
  void add(std::span<const Position> fractions, const Weights& weights, Coefficients& coefficients) override {
    const Phases along_y = phases_y(fractions);
    const std::size_t sites = fractions.size();
#pragma omp parallel for schedule(static) num_threads(threads_)
    for (int kx = 0; kx < coefficients.columns(); ++kx) {
      Phases along_x(sites);
      for (std::size_t i = 0; i < sites; ++i) along_x[i] = phase(kx, fractions[i].x);
      const auto column = coefficients.column(kx);
      const auto weight = weights.column(kx);
      const bool inner = kx > 0 && 2 * kx < extent_.x;
      for (std::size_t ky = 0; ky < column.size(); ++ky) {
        const bool both_signs = inner && 2 * ky == column.size();
        std::complex<double> sum = 0;
        for (std::size_t i = 0; i < sites; ++i) {
          const std::complex<double> y = along_y[ky * sites + i];
          sum += (both_signs ? y.real() : y) * along_x[i];
        }
        column[ky] += weight[mirrored(ky, extent_.y)] * sum;
      }
    }
  }

private:
  [[nodiscard]] Phases phases_y(std::span<const Position> fractions) const {
    const std::size_t sites = fractions.size();
    Phases result(static_cast<std::size_t>(extent_.y) * sites);
#pragma omp parallel for schedule(static) num_threads(threads_)
    for (int ky = 0; ky < extent_.y; ++ky)
      for (std::size_t i = 0; i < sites; ++i)
        result[static_cast<std::size_t>(ky) * sites + i] =
            phase(2 * ky > extent_.y ? ky - extent_.y : ky, fractions[i].y);
    return result;
  }

  Extent extent_;
  int threads_;
};

} // namespace

double exact_sum_bytes(Extent extent, double sites, int threads) {
  return sizeof(Phases::value_type) * sites * (static_cast<double>(extent.y) + threads);
}

std::unique_ptr<StructureSum> make_exact_sum(Extent extent, int threads) {
  return std::make_unique<ExactSum>(extent, threads);
}

} // namespace ptychoscale
