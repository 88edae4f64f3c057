#include "device_origins.hpp"
#include "launch.cuh"
#include "ptychoscale/base/error.hpp"

#include <algorithm>

namespace ptychoscale::cuda {
namespace {

/// Origins that travel as an argument: a copy from the host's memory would have to wait for the device.
struct SomeOrigins {
  static constexpr int most = 32;
  Offset of[most];
};

__global__ void put_origins(Offset* device, SomeOrigins origins, int count) {
  const int i = static_cast<int>(threadIdx.x);
  if (i < count) device[i] = origins.of[i];
}

} // namespace

const Offset* DeviceOrigins::of(std::span<const Offset> origins) {
  if (!std::ranges::equal(origins, there_)) put(origins);
  return device_.data();
}

void DeviceOrigins::put(std::span<const Offset> origins) {
  auto capture = cudaStreamCaptureStatusNone;
  check(cudaStreamIsCapturing(stream_, &capture), "cudaStreamIsCapturing");
  if (capture != cudaStreamCaptureStatusNone)
    throw RunError("a recorded sweep has other origins than it was announced with");
  if (device_.size() < origins.size()) device_ = Buffer<Offset>(memory_, origins.size(), MemoryLabel::waves);
  there_.clear(); // unknown, should a launch fail
  for (std::size_t first = 0; first < origins.size(); first += SomeOrigins::most) {
    const auto some =
        origins.subspan(first, std::min<std::size_t>(SomeOrigins::most, origins.size() - first));
    SomeOrigins argument{};
    std::ranges::copy(some, argument.of);
    launch_kernel("put_origins", put_origins, {1, SomeOrigins::most}, stream_, device_.data() + first,
                  argument, static_cast<int>(some.size()));
  }
  there_.assign(origins.begin(), origins.end());
}

} // namespace ptychoscale::cuda
