#include "device.hpp"

#include "check.hpp"
#include "ptychoscale/base/error.hpp"

#include <fmt/format.h>

namespace ptychoscale::cuda {
namespace {

/// 13020 is 13.2; 0 is what the runtime gives without a driver.
std::string version_text(int version) {
  return version == 0 ? "none" : fmt::format("{}.{}", version / 1000, version % 1000 / 10);
}

std::string driver_and_toolkit() {
  int driver = 0;
  int runtime = 0;
  check(cudaDriverGetVersion(&driver), "cudaDriverGetVersion");
  check(cudaRuntimeGetVersion(&runtime), "cudaRuntimeGetVersion");
  return fmt::format("driver supports CUDA {}, built with CUDA {}", version_text(driver),
                     version_text(runtime));
}

} // namespace

int choose_device(int local_rank) {
  int devices = 0;
  const auto status = cudaGetDeviceCount(&devices);
  if (status != cudaSuccess || devices == 0)
    throw InputError(fmt::format("backend: 'cuda' finds no usable GPU ({}; {}); use cpu",
                                 status == cudaSuccess ? "no device" : cudaGetErrorString(status),
                                 driver_and_toolkit()));
  const int device = local_rank % devices;
  check(cudaSetDevice(device), "cudaSetDevice");
  return device;
}

std::string describe_device(int device) {
  cudaDeviceProp properties{};
  check(cudaGetDeviceProperties(&properties, device), "cudaGetDeviceProperties");
  return fmt::format("device {} ({}), {}", device, properties.name, driver_and_toolkit());
}

} // namespace ptychoscale::cuda
