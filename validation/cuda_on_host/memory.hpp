#pragma once

#include <cstddef>

// Device memory that only what runs on the device can touch.
namespace cuda_on_host {

/// In every other moment a touch of device memory is a fault, which ends the process and says where it was.
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
[[noreturn]] void give_up(const char* what);

} // namespace cuda_on_host
