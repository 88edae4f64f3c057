#pragma once

#include "ptychoscale/base/box.hpp"
#include "ptychoscale/base/memory_meter.hpp"

#include <algorithm>
#include <complex>
#include <cstddef>
#include <span>

namespace ptychoscale {

template <class T> using FftVector = MeteredVector<T, MemoryLabel::fft>;

/// A quantity of a real periodic grid's frequencies with kx >= 0, by columns: [kx][ky], zero frequency first,
/// columns contiguous and aligned to 64 bytes.
template <class T> class FourierHalfPlane {
public:
  /// `rows` frequencies along y for each kx in [0, nx / 2].
  FourierHalfPlane(int nx, int rows)
      : columns_(nx / 2 + 1), rows_(rows), stride_((static_cast<std::size_t>(rows) + 7) / 8 * 8),
        values_(static_cast<std::size_t>(columns_) * stride_) {}
  /// What one of these takes.
  [[nodiscard]] static double bytes(int nx, int rows) {
    return static_cast<double>(sizeof(T)) * (nx / 2 + 1) * ((rows + 7) / 8 * 8);
  }
  [[nodiscard]] int columns() const { return columns_; }
  [[nodiscard]] std::span<T> column(int kx) {
    return {values_.data() + offset(kx), static_cast<std::size_t>(rows_)};
  }
  [[nodiscard]] std::span<const T> column(int kx) const {
    return {values_.data() + offset(kx), static_cast<std::size_t>(rows_)};
  }
  void zero() { std::fill(values_.begin(), values_.end(), T{}); }

private:
  [[nodiscard]] std::size_t offset(int kx) const { return static_cast<std::size_t>(kx) * stride_; }
  int columns_;
  int rows_;
  std::size_t stride_;
  FftVector<T> values_;
};

/// Fourier coefficients, all ky.
using Coefficients = FourierHalfPlane<std::complex<double>>;
/// Real factors that depend on |ky| only: ky in [0, ny / 2].
using Weights = FourierHalfPlane<double>;

/// The row of `Weights` for row `ky` of `Coefficients`.
[[nodiscard]] inline std::size_t mirrored(std::size_t ky, int ny) {
  return std::min(ky, static_cast<std::size_t>(ny) - ky);
}

} // namespace ptychoscale
