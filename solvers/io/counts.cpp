#include "counts.hpp"

#include "ptychoscale/base/half.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>

namespace ptychoscale {
namespace {

/// moved[(y + by.y) mod ny][(x + by.x) mod nx] = values[y][x].
template <class T> void rotate(std::span<const T> values, std::span<T> moved, Extent extent, Offset by) {
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

CountType count_type(std::string_view stored) {
  for (const CountType each : {CountType::float16, CountType::uint16})
    if (stored == name(each)) return each;
  return CountType::float32;
}

std::size_t bytes_per_count(CountType type) { return type == CountType::float32 ? 4 : 2; }

float largest_count(CountType type) {
  switch (type) {
  case CountType::float16:
    return largest_half;
  case CountType::uint16:
    return 65535.0F;
  case CountType::float32:
    break;
  }
  return std::numeric_limits<float>::max();
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

namespace {

template <class T> void to_centre(std::span<const T> first, std::span<T> centred, Extent extent) {
  rotate(first, centred, extent, {extent.y / 2, extent.x / 2});
}

template <class T> void to_front(std::span<const T> centred, std::span<T> first, Extent extent) {
  rotate(centred, first, extent, {extent.y - extent.y / 2, extent.x - extent.x / 2});
}

} // namespace

void move_zero_to_centre(std::span<const float> first, std::span<float> centred, Extent extent) {
  to_centre(first, centred, extent);
}
void move_zero_to_centre(std::span<const std::uint8_t> first, std::span<std::uint8_t> centred,
                         Extent extent) {
  to_centre(first, centred, extent);
}

void move_zero_to_front(std::span<const float> centred, std::span<float> first, Extent extent) {
  to_front(centred, first, extent);
}
void move_zero_to_front(std::span<const std::uint8_t> centred, std::span<std::uint8_t> first, Extent extent) {
  to_front(centred, first, extent);
}

} // namespace ptychoscale
