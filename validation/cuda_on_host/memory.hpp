#pragma once

#include <cstddef>
#include <string>

// Device memory that only what runs on the device can touch, in pages that can be closed.
namespace cuda_on_host {

inline constexpr std::size_t page = 4096;
inline std::size_t rounded_up(std::size_t n, std::size_t unit) { return (n + unit - 1) / unit * unit; }

/// Not one within another. In every other moment a touch of device memory is a fault, which ends the process
/// and says where it was.
class DeviceRuns {
public:
  DeviceRuns();
  ~DeviceRuns();
  DeviceRuns(const DeviceRuns&) = delete;
  DeviceRuns& operator=(const DeviceRuns&) = delete;
};

/// Or else a copy, a memset or a transform.
extern bool a_kernel_runs;

/// Whether the address lies in memory of that kind that is there now.
/// @{
[[nodiscard]] bool in_device_memory(const void* address);
[[nodiscard]] bool in_pinned_memory(const void* address);
/// @}

/// Whether device memory lies, lay or will lie there.
[[nodiscard]] bool is_address_of_device(const void* address);

/// Ends the process with a line on stderr: what a GPU would do is not defined.
[[noreturn]] void give_up(const std::string& what);

} // namespace cuda_on_host
