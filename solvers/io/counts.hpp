#pragma once

#include "ptychoscale/base/box.hpp"
#include "ptychoscale/io/dataset.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace ptychoscale {

[[nodiscard]] std::string_view name(CountType type);
/// By its name in a file; float32 for any other number, which readers take or refuse by themselves.
[[nodiscard]] CountType count_type(std::string_view stored);
[[nodiscard]] std::size_t bytes_per_count(CountType type);
/// Largest count that `type` can hold.
[[nodiscard]] float largest_count(CountType type);

/// Counts as stored: float16 and uint16 rounded to nearest. Every count must be in [0, largest_count(type)].
void encode(CountType type, std::span<const float> counts, std::span<std::byte> stored);

/// Index of the first count that is NaN, negative, infinite or above `largest`.
[[nodiscard]] std::optional<std::size_t> first_invalid(std::span<const float> counts, float largest);

/// Files hold patterns with zero frequency at pixel (ny / 2, nx / 2), programs with zero frequency first.
void move_zero_to_centre(std::span<const float> first, std::span<float> centred, Extent extent);
void move_zero_to_front(std::span<const float> centred, std::span<float> first, Extent extent);
/// The same for masks.
void move_zero_to_centre(std::span<const std::uint8_t> first, std::span<std::uint8_t> centred, Extent extent);
void move_zero_to_front(std::span<const std::uint8_t> centred, std::span<std::uint8_t> first, Extent extent);

} // namespace ptychoscale
