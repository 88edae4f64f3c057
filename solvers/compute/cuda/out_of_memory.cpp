#include "out_of_memory.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <vector>

namespace ptychoscale::cuda {
namespace {

std::string megabytes(std::size_t bytes) {
  return fmt::format("{:.1f} MB", static_cast<double>(bytes) / 1e6);
}

std::string ledger(const MemoryMeter::Reading& meter) {
  std::vector<std::string> rows;
  for (std::size_t i = 0; i < memory_label_count; ++i)
    if (meter.now[i] != 0)
      rows.push_back(fmt::format("{} {}", ptychoscale::name(static_cast<MemoryLabel>(i)),
                                 megabytes(static_cast<std::size_t>(meter.now[i]))));
  return rows.empty() ? "nothing" : fmt::format("{}", fmt::join(rows, ", "));
}

/// An option that does without a part of what a label holds.
struct Saving {
  MemoryLabel label;
  double part;
  const char* option;
};
constexpr Saving savings[] = {{MemoryLabel::measurements, 1.0, "--measurements stream"},
                              {MemoryLabel::measurements, 0.5, "--measurement-type float16"},
                              {MemoryLabel::waves, 1.0, "--adjoint reverse"},
                              {MemoryLabel::waves, 1.0, "--adjoint checkpoint"},
                              {MemoryLabel::exchange, 1.0, "--messages host"}};

/// Whether what a label holds is the GPU's memory.
bool on_device(MemoryLabel label, MessageMemory messages) {
  return label != MemoryLabel::exchange || messages == MessageMemory::device;
}

} // namespace

std::string out_of_memory_text(const RefusedMemory& refused, const MemoryMeter::Reading& meter) {
  const std::size_t missing = refused.asked > refused.free ? refused.asked - refused.free : 0;
  std::vector<std::string> options;
  for (const auto& s : savings) {
    if (!on_device(s.label, refused.messages)) continue;
    const auto held = static_cast<std::size_t>(meter.now[static_cast<std::size_t>(s.label)]);
    const auto wanted = static_cast<double>(held + (s.label == refused.label ? refused.asked : 0));
    if (s.part * wanted > static_cast<double>(missing)) options.emplace_back(s.option);
  }
  options.emplace_back("more ranks on more GPUs");
  return fmt::format(
      "GPU memory: {} for {} are not to be had, {} of {} are free; this process holds {}; what "
      "may fit: {}",
      megabytes(refused.asked), ptychoscale::name(refused.label), megabytes(refused.free),
      megabytes(refused.total), ledger(meter), fmt::join(options, ", "));
}

std::string out_of_pinned_memory_text(std::size_t asked, const MemoryMeter::Reading& meter) {
  return fmt::format(
      "pinned host memory: {} for {} are not to be had; this process holds {}; what may fit: a "
      "smaller --exchange-MB",
      megabytes(asked), ptychoscale::name(MemoryLabel::exchange), ledger(meter));
}

} // namespace ptychoscale::cuda
