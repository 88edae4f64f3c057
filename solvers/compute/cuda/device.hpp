#pragma once

#include <string>

namespace ptychoscale::cuda {

/// Binds this process to a GPU, dealt round robin by its rank on the host. Throws InputError with driver and
/// toolkit versions when there is none, or none that can be used now and run `kernel`, one of this program's.
[[nodiscard]] int choose_device(int local_rank, const void* kernel);

/// "device 0 (NVIDIA ...), driver supports CUDA 13.0, built with CUDA 13.0".
[[nodiscard]] std::string describe_device(int device);

/// Its place in this host, "0000:3B:00.0", however the visible ones are numbered.
[[nodiscard]] std::string place_of_device(int device);

} // namespace ptychoscale::cuda
