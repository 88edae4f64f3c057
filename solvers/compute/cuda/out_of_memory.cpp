#include "out_of_memory.hpp"

#include "../memory_savings.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <vector>

namespace ptychoscale::cuda {
namespace {

std::string in_words(std::size_t bytes) {
  const auto n = static_cast<double>(bytes);
  if (bytes < 1000) return fmt::format("{} B", bytes);
  return bytes < 100'000 ? fmt::format("{:.1f} kB", n / 1e3) : fmt::format("{:.1f} MB", n / 1e6);
}

std::string ledger(const MemoryMeter::Reading& meter) {
  std::vector<std::string> rows;
  for (std::size_t i = 0; i < memory_label_count; ++i)
    if (meter.now[i] != 0)
      rows.push_back(fmt::format("{} {}", ptychoscale::name(static_cast<MemoryLabel>(i)),
                                 in_words(static_cast<std::size_t>(meter.now[i]))));
  return rows.empty() ? "nothing" : fmt::format("{}", fmt::join(rows, ", "));
}

/// Whether what a label holds is the GPU's memory.
bool on_device(MemoryLabel label, MessageMemory messages) {
  return label != MemoryLabel::exchange || messages == MessageMemory::device;
}

} // namespace

std::string out_of_memory_text(const RefusedMemory& refused, const MemoryMeter::Reading& meter,
                               std::span<const MemorySaving> savings) {
  const std::size_t missing = refused.asked > refused.free ? refused.asked - refused.free : 0;
  std::vector<MemorySaving> of_device;
  for (const auto& s : savings)
    if (!s.label || on_device(*s.label, refused.messages)) of_device.push_back(s);
  auto ways = ways_that_fit(of_device, refused.label, refused.asked, missing, meter);
  if (ways.empty()) ways.emplace_back("a GPU with more memory");
  return fmt::format(
      "GPU memory: {} for {} are not to be had, {} of {} are free; this process holds {}; what "
      "may fit: {}",
      in_words(refused.asked), ptychoscale::name(refused.label), in_words(refused.free),
      in_words(refused.total), ledger(meter), fmt::join(ways, ", "));
}

std::string out_of_pinned_memory_text(MemoryLabel label, std::size_t asked,
                                      const MemoryMeter::Reading& meter) {
  return fmt::format(
      "pinned host memory: {} for {} are not to be had; this process holds {}; what may fit: {}",
      in_words(asked), ptychoscale::name(label), ledger(meter),
      label == MemoryLabel::exchange ? "a smaller --exchange-MB" : "less that other processes pin");
}

} // namespace ptychoscale::cuda
