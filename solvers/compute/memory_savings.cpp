#include "memory_savings.hpp"

namespace ptychoscale {

std::vector<std::string> ways_that_fit(std::span<const MemorySaving> savings, MemoryLabel label,
                                       std::size_t asked, std::size_t missing,
                                       const MemoryMeter::Reading& meter) {
  const auto would_fit = [&](const MemorySaving& s) {
    if (!s.label) return true;
    const auto held = static_cast<std::size_t>(meter.now[static_cast<std::size_t>(*s.label)]);
    const auto wanted = static_cast<double>(held + (*s.label == label ? asked : 0));
    return s.part * wanted > static_cast<double>(missing);
  };
  std::vector<std::string> ways;
  for (const auto& s : savings)
    if (would_fit(s)) ways.push_back(s.way);
  return ways;
}

} // namespace ptychoscale
