#pragma once

#include "ptychoscale/io/dataset.hpp"

#include <optional>
#include <span>

namespace ptychoscale {

/// The loss that counting noise alone is expected to leave of one position, estimated from its counts.
///
/// A perfect model predicts the mean n of a pixel's count X, which scatters about it as Poisson says. In
/// units of one electron it leaves
///
///     g(n) = E(√X - √n)² = 2n - 2√n E√X:   2n of a dim pixel, 0.45 at n = 1, 1/4 of a bright one.
///
/// n is not known without the model, and X in its place would miss most of what dim pixels leave. So every
/// count x adds h(x) instead: 0 for 0, 1.58, -1.04 and 1.065 for 1, 2 and 3, which make the mean of h(X)
/// follow g(n), and 1/4 + 0.11/x, the beginning of g's series, from 4 on. E h(X) is within 9 % of g(n) for n
/// of 0.03 and more, on either side, so that patterns, which have pixels of many means, come within a few
/// percent. Below it is too small, by a fifth at most; such pixels leave little. (No h has g as its mean for
/// all n, since g is not analytic at 0.)
///
/// Amplitudes [ky][kx] are those of `DatasetReader::read_amplitudes`: of a beam of 1, below zero where a
/// pixel has no weight. In the unit of the cost.
[[nodiscard]] double counting_noise(std::span<const float> amplitudes, double electrons_per_pattern);

/// The cost that it leaves of all patterns in use; nothing where no dose is known. Reads all of them.
[[nodiscard]] std::optional<double> cost_of_counting_noise(const DatasetReader& dataset);

} // namespace ptychoscale
