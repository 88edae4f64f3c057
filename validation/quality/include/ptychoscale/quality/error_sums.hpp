#pragma once

#include "ptychoscale/base/box.hpp"

#include <array>
#include <span>

namespace ptychoscale {

/// Sums over the pixels of a region from which relative_rmse() of the whole region follows, so that ranks can
/// each add up their own part: of the error e = image - truth, of e (y - middle), e (x - middle) and e^2, and
/// of the truth t and t^2.
using ErrorSums = std::array<double, 6>;

/// Adds pixels [row y, columns x .. x + image.size()) of the volume, which must lie inside `region`.
void add_row(ErrorSums& sums, const Box& region, int y, int x, std::span<const double> image,
             std::span<const float> truth);

/// relative_rmse() of a region whose sums are complete. Throws InputError for a truth that is constant there.
[[nodiscard]] double relative_rmse(const ErrorSums& sums, const Box& region);

} // namespace ptychoscale
