#include "counts.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

namespace ptychoscale {
namespace {

/// moved[(y + by.y) mod ny][(x + by.x) mod nx] = values[y][x].
void rotate(std::span<const float> values, std::span<float> moved, Extent extent, Offset by) {
  const auto nx = static_cast<std::size_t>(extent.x);
  const auto split = static_cast<std::size_t>(extent.x - by.x);
  for (int y = 0; y < extent.y; ++y) {
    const auto* row = values.data() + static_cast<std::size_t>(y) * nx;
    auto* target = moved.data() + static_cast<std::size_t>((y + by.y) % extent.y) * nx;
    std::copy(row, row + split, target + by.x);
    std::copy(row + split, row + nx, target);
  }
}

} // namespace

std::string_view name(CountType type) {
  constexpr std::array<std::string_view, 3> names{"float32", "float16", "uint16"};
  return names[static_cast<std::size_t>(type)];
}

std::size_t bytes_per_count(CountType type) { return type == CountType::float32 ? 4 : 2; }

float largest_count(CountType type) {
  switch (type) {
  case CountType::float16:
    return 65504.0F;
  case CountType::uint16:
    return 65535.0F;
  case CountType::float32:
    break;
  }
  return std::numeric_limits<float>::max();
}

std::uint16_t half_from_float(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const auto sign = static_cast<std::uint16_t>((bits >> 16) & 0x8000U);
  const float magnitude = std::abs(value);
  if (magnitude < 0x1p-14F) { // subnormal: a multiple of 2^-24, which float arithmetic rounds to nearest even
    return static_cast<std::uint16_t>(sign | static_cast<std::uint16_t>(std::nearbyint(magnitude * 0x1p24F)));
  }
  if (!(magnitude < 65520.0F)) return static_cast<std::uint16_t>(sign | 0x7c00U);
  // Rebias the exponent from 127 to 15 and round the 13 bits that fall off; a carry into the exponent is
  // right.
  const std::uint32_t rebiased = std::bit_cast<std::uint32_t>(magnitude) - (112U << 23);
  const std::uint32_t rounded = rebiased + 0xfffU + ((rebiased >> 13) & 1U);
  return static_cast<std::uint16_t>(sign | (rounded >> 13));
}

float float_from_half(std::uint16_t half) {
  const std::uint32_t sign = (half & 0x8000U) << 16;
  const std::uint32_t magnitude = (half & 0x7fffU) << 13;
  if (magnitude >= 0x7c00U << 13)
    return std::bit_cast<float>(sign | magnitude | 0x7f800000U); // infinity or NaN
  // The product rebiases the exponent from 15 to 127 and is exact, for subnormals too.
  return std::bit_cast<float>(sign |
                              std::bit_cast<std::uint32_t>(std::bit_cast<float>(magnitude) * 0x1p112F));
}

void encode(CountType type, std::span<const float> counts, std::span<std::byte> stored) {
  if (type == CountType::float32) {
    std::memcpy(stored.data(), counts.data(), counts.size_bytes());
    return;
  }
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const std::uint16_t value = type == CountType::float16
                                    ? half_from_float(counts[i])
                                    : static_cast<std::uint16_t>(std::nearbyint(counts[i]));
    std::memcpy(stored.data() + 2 * i, &value, 2);
  }
}

std::optional<std::size_t> first_invalid(std::span<const float> counts, float largest) {
  const auto bad = std::ranges::find_if(counts, [largest](float c) { return !(c >= 0 && c <= largest); });
  if (bad == counts.end()) return std::nullopt;
  return static_cast<std::size_t>(bad - counts.begin());
}

void move_zero_to_centre(std::span<const float> first, std::span<float> centred, Extent extent) {
  rotate(first, centred, extent, {extent.y / 2, extent.x / 2});
}

void move_zero_to_front(std::span<const float> centred, std::span<float> first, Extent extent) {
  rotate(centred, first, extent, {extent.y - extent.y / 2, extent.x - extent.x / 2});
}

} // namespace ptychoscale
