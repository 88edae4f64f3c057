#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>
#include <string_view>
#include <vector>

namespace ptychoscale {

/// What a large allocation is for; the rows of every memory report.
enum class MemoryLabel { volume, accumulation, waves, measurements, exchange, fft, other };
inline constexpr std::size_t memory_label_count = 7;
[[nodiscard]] std::string_view name(MemoryLabel label);

/// Bytes in use and peak bytes, per label and in total, of one process; safe to call from any thread.
class MemoryMeter {
public:
  struct Reading {
    std::array<std::int64_t, memory_label_count> now{};
    std::array<std::int64_t, memory_label_count> peak{};
    std::int64_t total_now = 0;
    std::int64_t total_peak = 0;
  };
  void add(MemoryLabel label, std::size_t bytes);
  void remove(MemoryLabel label, std::size_t bytes);
  [[nodiscard]] Reading read() const;
  /// Peaks fall to what is in use now, for the next of several runs in one process.
  void forget_peaks();

private:
  std::array<std::atomic<std::int64_t>, memory_label_count> now_{};
  std::array<std::atomic<std::int64_t>, memory_label_count> peak_{};
  std::atomic<std::int64_t> total_{0};
  std::atomic<std::int64_t> total_peak_{0};
};

/// The meter of this process.
[[nodiscard]] MemoryMeter& memory_meter();

/// Peak resident set size of this process (VmHWM) in bytes.
[[nodiscard]] std::int64_t peak_resident_bytes();

/// Throws OutOfMemory that says what was asked for, what there is and what this process holds.
[[noreturn]] void refuse_memory(MemoryLabel label, std::size_t bytes);

/// Standard allocator that reports to the process's meter under one label; 64-byte aligned.
template <class T, MemoryLabel Label> struct MeteredAllocator {
  using value_type = T;
  template <class U> struct rebind { using other = MeteredAllocator<U, Label>; };
  MeteredAllocator() = default;
  template <class U> MeteredAllocator(const MeteredAllocator<U, Label>&) {}
  static constexpr std::align_val_t alignment{64};
  T* allocate(std::size_t n) {
    auto* p = static_cast<T*>(::operator new(n * sizeof(T), alignment, std::nothrow));
    if (p == nullptr) refuse_memory(Label, n * sizeof(T));
    memory_meter().add(Label, n * sizeof(T));
    return p;
  }
  void deallocate(T* p, std::size_t n) noexcept {
    memory_meter().remove(Label, n * sizeof(T));
    ::operator delete(p, alignment);
  }
  bool operator==(const MeteredAllocator&) const = default;
};

template <class T, MemoryLabel Label> using MeteredVector = std::vector<T, MeteredAllocator<T, Label>>;

} // namespace ptychoscale
