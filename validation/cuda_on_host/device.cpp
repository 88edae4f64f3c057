#include "queue.hpp"

#include <cstdlib>
#include <cstring>
#include <string_view>

// One device, which says that it is none; CUDA_VISIBLE_DEVICES hides it as it does a GPU.
namespace {

using cuda_on_host::failed;

constexpr int version = 13000; // of CUDA, whose numbers the headers here have

thread_local bool chosen = false;

bool hidden() {
  const char* visible = std::getenv("CUDA_VISIBLE_DEVICES");
  return visible != nullptr && (std::string_view(visible).empty() || visible[0] == '-');
}

/// Whether CUDA_ON_HOST_GPU says that the GPU is so: busy, foreign (of another architecture).
bool is(std::string_view so) {
  const char* gpu = std::getenv("CUDA_ON_HOST_GPU");
  return gpu != nullptr && gpu == so;
}

struct Meaning {
  cudaError_t error;
  const char* name;
  const char* text;
};
constexpr Meaning meanings[] = {
    {cudaSuccess, "cudaSuccess", "no error"},
    {cudaErrorInvalidValue, "cudaErrorInvalidValue", "invalid argument"},
    {cudaErrorMemoryAllocation, "cudaErrorMemoryAllocation", "out of memory"},
    {cudaErrorInvalidConfiguration, "cudaErrorInvalidConfiguration", "invalid configuration argument"},
    {cudaErrorDevicesUnavailable, "cudaErrorDevicesUnavailable",
     "CUDA-capable device(s) is/are busy or unavailable"},
    {cudaErrorNoDevice, "cudaErrorNoDevice", "no CUDA-capable device is detected"},
    {cudaErrorInvalidDevice, "cudaErrorInvalidDevice", "invalid device ordinal"},
    {cudaErrorNoKernelImageForDevice, "cudaErrorNoKernelImageForDevice",
     "no kernel image is available for execution on the device"},
    {cudaErrorInvalidResourceHandle, "cudaErrorInvalidResourceHandle", "invalid resource handle"},
    {cudaErrorNotReady, "cudaErrorNotReady", "device not ready"},
    {cudaErrorStreamCaptureUnsupported, "cudaErrorStreamCaptureUnsupported",
     "operation not permitted when stream is capturing"},
    {cudaErrorStreamCaptureInvalidated, "cudaErrorStreamCaptureInvalidated",
     "operation failed due to a previous error during capture"},
};

const Meaning& meaning(cudaError_t error) {
  for (const auto& m : meanings)
    if (m.error == error) return m;
  static constexpr Meaning unknown{cudaErrorUnknown, "cudaErrorUnknown", "unknown error"};
  return unknown;
}

} // namespace

bool cuda_on_host::thread_has_chosen_device() { return chosen; }

extern "C" {

const char* cudaGetErrorName(cudaError_t error) { return meaning(error).name; }
const char* cudaGetErrorString(cudaError_t error) { return meaning(error).text; }

cudaError_t cudaDriverGetVersion(int* driver) { return *driver = version, cudaSuccess; }
cudaError_t cudaRuntimeGetVersion(int* runtime) { return *runtime = version, cudaSuccess; }

cudaError_t cudaGetDeviceCount(int* count) {
  *count = hidden() ? 0 : 1;
  return hidden() ? failed(cudaErrorNoDevice) : cudaSuccess;
}

cudaError_t cudaSetDevice(int device) {
  if (device != 0) return failed(cudaErrorInvalidDevice);
  if (is("busy")) return failed(cudaErrorDevicesUnavailable);
  chosen = true;
  return cudaSuccess;
}

cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* attributes, const void*) {
  if (is("foreign")) return failed(cudaErrorNoKernelImageForDevice);
  attributes->maxThreadsPerBlock = 1024;
  return cudaSuccess;
}

cudaError_t cudaDeviceGetPCIBusId(char* place, int length, int device) {
  if (device != 0) return failed(cudaErrorInvalidDevice);
  if (place == nullptr || length < 13) return failed(cudaErrorInvalidValue);
  std::strcpy(place, "0000:00:00.0");
  return cudaSuccess;
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device) {
  if (device != 0) return failed(cudaErrorInvalidDevice);
  std::strcpy(properties->name, "no GPU: CUDA on the host, for tests");
  return cudaSuccess;
}
}
