#pragma once

#include "line_fft.hpp"
#include "ptychoscale/base/memory_meter.hpp"

#include <algorithm>

namespace ptychoscale {

/// What one thread works in: a block of rows, a block of columns, and one row's phase factors and gradient.
struct Scratch {
  MeteredVector<Complex, MemoryLabel::fft> rows;
  MeteredVector<Complex, MemoryLabel::fft> columns;
  MeteredVector<float, MemoryLabel::fft> cosine, sine, gradient;
  void fit(Extent e) {
    const auto x = std::max(cosine.size(), static_cast<std::size_t>(e.x));
    rows.resize(x * LineFft::row_block);
    cosine.resize(x);
    sine.resize(x);
    gradient.resize(x);
    columns.resize(std::max(columns.size(), static_cast<std::size_t>(e.y) * LineFft::block));
  }
};

} // namespace ptychoscale
