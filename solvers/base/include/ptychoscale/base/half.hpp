#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

// IEEE 754 binary16 as its bits, for compilers and processors with or without such a type.
namespace ptychoscale {

inline constexpr float largest_half = 65504;

/// Rounded to nearest even; infinity from 65520 on, which is nearer to 2^16 than to largest_half. Not for
/// NaN.
[[nodiscard]] inline std::uint16_t half_from_float(float value) {
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

/// Exact.
[[nodiscard]] inline float float_from_half(std::uint16_t half) {
  const std::uint32_t sign = (half & 0x8000U) << 16;
  const std::uint32_t magnitude = (half & 0x7fffU) << 13;
  if (magnitude >= 0x7c00U << 13)
    return std::bit_cast<float>(sign | magnitude | 0x7f800000U); // infinity or NaN
  // The product rebiases the exponent from 15 to 127 and is exact, for subnormals too.
  return std::bit_cast<float>(sign |
                              std::bit_cast<std::uint32_t>(std::bit_cast<float>(magnitude) * 0x1p112F));
}

} // namespace ptychoscale
