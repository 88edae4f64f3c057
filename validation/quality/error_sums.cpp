#include "ptychoscale/quality/error_sums.hpp"

#include "ptychoscale/base/error.hpp"

#include <algorithm>
#include <cmath>

namespace ptychoscale {
namespace {

double middle(int from, int to) { return 0.5 * (from + to - 1); }

/// Sum of (i - middle)^2 over `count` whole numbers in a row.
double norm(double count) { return count * (count * count - 1) / 12; }

/// What the best multiple of a term whose squares add up to `norm` takes off a sum of squares.
double removed(double sum, double norm) { return norm > 0 ? sum * sum / norm : 0; }

} // namespace

void add_row(ErrorSums& sums, const Box& region, int y, int x, std::span<const double> image,
             std::span<const float> truth) {
  auto& [error, along_y, along_x, squares, truths, truth_squares] = sums;
  const double dy = y - middle(region.y0, region.y1);
  const double left = x - middle(region.x0, region.x1);
  for (std::size_t i = 0; i < image.size(); ++i) {
    const double t = truth[i];
    const double e = image[i] - t;
    error += e;
    along_y += dy * e;
    along_x += (left + static_cast<double>(i)) * e;
    squares += e * e;
    truths += t;
    truth_squares += t * t;
  }
}

double relative_rmse(const ErrorSums& sums, const Box& region) {
  const auto& [error, along_y, along_x, squares, truths, truth_squares] = sums;
  const double rows = region.y1 - region.y0, columns = region.x1 - region.x0;
  const double pixels = rows * columns;
  const double variance = truth_squares - truths * truths / pixels;
  if (!(variance > 1e-12 * truth_squares)) // what rounding leaves of a constant
    throw InputError("quality: the true potential is the same everywhere in the illuminated region");
  // Offset and the two slopes are orthogonal about the middle of a full box.
  const double left = squares - removed(error, pixels) - removed(along_y, columns * norm(rows)) -
                      removed(along_x, rows * norm(columns));
  return std::sqrt(std::max(left, 0.0) / variance);
}

} // namespace ptychoscale
