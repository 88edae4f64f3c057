#pragma once

namespace ptychoscale {

/// The frequency that element `i` of a transform of length `n` stands for: 0, 1, .., then from -(n / 2) to
/// -1.
[[nodiscard]] constexpr int signed_frequency(int i, int n) { return i < (n + 1) / 2 ? i : i - n; }

/// The element of a transform of length `n` that stands for a signed frequency.
[[nodiscard]] constexpr int frequency_bin(int k, int n) { return k < 0 ? k + n : k; }

} // namespace ptychoscale
