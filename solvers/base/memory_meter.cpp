#include "ptychoscale/base/memory_meter.hpp"

#include <fstream>
#include <string>

namespace ptychoscale {
namespace {
void raise_to(std::atomic<std::int64_t>& peak, std::int64_t value) {
  auto seen = peak.load();
  while (seen < value && !peak.compare_exchange_weak(seen, value)) {
  }
}
} // namespace

std::string_view name(MemoryLabel label) {
  static constexpr std::array<std::string_view, memory_label_count> names{
      "volume", "accumulation", "waves", "measurements", "exchange", "fft", "other"};
  return names[static_cast<std::size_t>(label)];
}

void MemoryMeter::add(MemoryLabel label, std::size_t bytes) {
  const auto i = static_cast<std::size_t>(label);
  const auto b = static_cast<std::int64_t>(bytes);
  raise_to(peak_[i], now_[i].fetch_add(b) + b);
  raise_to(total_peak_, total_.fetch_add(b) + b);
}

void MemoryMeter::remove(MemoryLabel label, std::size_t bytes) {
  now_[static_cast<std::size_t>(label)].fetch_sub(static_cast<std::int64_t>(bytes));
  total_.fetch_sub(static_cast<std::int64_t>(bytes));
}

MemoryMeter::Reading MemoryMeter::read() const {
  Reading r;
  for (std::size_t i = 0; i < memory_label_count; ++i) {
    r.now[i] = now_[i].load();
    r.peak[i] = peak_[i].load();
  }
  r.total_now = total_.load();
  r.total_peak = total_peak_.load();
  return r;
}

void MemoryMeter::forget_peaks() {
  for (std::size_t i = 0; i < memory_label_count; ++i) peak_[i] = now_[i].load();
  total_peak_ = total_.load();
}

MemoryMeter& memory_meter() {
  static MemoryMeter meter;
  return meter;
}

std::int64_t peak_resident_bytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmHWM:")) return std::stoll(line.substr(6)) * 1024;
  return 0;
}

} // namespace ptychoscale
