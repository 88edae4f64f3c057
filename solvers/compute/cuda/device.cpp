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

int choose_device(int local_rank, const void* kernel) {
  const auto need = [](cudaError_t status) {
    if (status == cudaSuccess) return;
    static_cast<void>(cudaGetLastError()); // is told here
    throw InputError(fmt::format("backend: 'cuda' finds no usable GPU ({}; {}); use cpu",
                                 cudaGetErrorString(status), driver_and_toolkit()));
  };
  int devices = 0;
  need(cudaGetDeviceCount(&devices));
  need(devices > 0 ? cudaSuccess : cudaErrorNoDevice);
  const int device = local_rank % devices;
  need(cudaSetDevice(device));
  need(cudaFree(nullptr)); // makes the context, which a GPU in use may refuse
  cudaFuncAttributes attributes{};
  need(cudaFuncGetAttributes(&attributes, kernel)); // was it built for this GPU?
  return device;
}

std::string describe_device(int device) {
  cudaDeviceProp properties{};
  check(cudaGetDeviceProperties(&properties, device), "cudaGetDeviceProperties");
  return fmt::format("device {} ({}), {}", device, properties.name, driver_and_toolkit());
}

std::string place_of_device(int device) {
  char place[32] = "";
  check(cudaDeviceGetPCIBusId(place, sizeof place, device), "cudaDeviceGetPCIBusId");
  return place;
}

} // namespace ptychoscale::cuda
