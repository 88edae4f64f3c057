#include "ptychoscale/comm/chunking.hpp"

#include <climits>

#include <algorithm>

namespace ptychoscale {
namespace {
// Below this a message costs latency rather than bandwidth on common interconnects, and cutting it gains
// nothing.
constexpr std::size_t worthwhile_bytes = std::size_t{64} << 10;

// a / b rounded up and clamped to [1, most].
int ratio(std::size_t a, std::size_t b, int most) {
  const auto rounded_up = b == 0 ? static_cast<std::size_t>(most) : (a + b - 1) / b;
  return static_cast<int>(std::clamp(rounded_up, std::size_t{1}, static_cast<std::size_t>(most)));
}
} // namespace

Range Chunking::range(int chunk) const {
  const int first = chunk * slices_per_chunk;
  return {first, std::min(first + slices_per_chunk, slices)};
}

Chunking plan_chunks(int slices, const PackedLoad& load, int depth, std::size_t buffer_bytes) {
  const std::size_t slice_bytes = load.pixels * sizeof(float);
  const std::size_t fitting =
      slice_bytes == 0 ? static_cast<std::size_t>(slices) : buffer_bytes / slice_bytes;
  const bool all_fit = fitting >= static_cast<std::size_t>(slices);
  const int least_in_flight = std::min(depth, 2);
  const int held = all_fit ? slices : std::max(static_cast<int>(fitting), std::min(slices, least_in_flight));

  const int affordable = all_fit ? slices : std::max(1, held / least_in_flight);
  const int countable = static_cast<int>(std::min<std::size_t>(
      INT_MAX / std::max<std::size_t>(load.largest_message, 1), static_cast<std::size_t>(slices)));
  const int worthwhile = ratio(worthwhile_bytes, load.largest_message * sizeof(float), slices);
  const int pipelined = ratio(static_cast<std::size_t>(held), static_cast<std::size_t>(depth), slices);

  Chunking chunking{slices, std::max(1, std::min({std::max(pipelined, worthwhile), affordable, countable})),
                    1};
  chunking.in_flight = std::min(chunking.chunks(), all_fit ? slices : held / chunking.slices_per_chunk);
  return chunking;
}

} // namespace ptychoscale
