/// That CUDA on the host finds what a GPU would make of a mistake: every check of it is made to fail here.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <complex>
#include <cstdlib>
#include <cuda_runtime.h>
#include <cufft.h>
#include <numbers>
#include <string>
#include <thread>
#include <vector>

namespace {

using cuda_on_host::Start;
using Order = ptychoscale::BlockOnHost::Order;

constexpr int threads = 64;

class CudaOnHost : public testing::Test {
protected:
  cudaStream_t stream = nullptr;

  void SetUp() override {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    cuda_on_host::schedule() = {};
    ASSERT_EQ(cudaSetDevice(0), cudaSuccess);
    ASSERT_EQ(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), cudaSuccess);
  }
  void TearDown() override {
    EXPECT_EQ(cudaStreamDestroy(stream), cudaSuccess);
    static_cast<void>(cudaGetLastError());
    cuda_on_host::schedule() = {};
  }

  template <class T> [[nodiscard]] T* on_device(std::size_t n) {
    void* memory = nullptr;
    EXPECT_EQ(cudaMalloc(&memory, n * sizeof(T)), cudaSuccess);
    return static_cast<T*>(memory);
  }
  template <class T> [[nodiscard]] T* on_device(const std::vector<T>& host) {
    T* memory = on_device<T>(host.size());
    EXPECT_EQ(cudaMemcpyAsync(memory, host.data(), host.size() * sizeof(T), cudaMemcpyDefault, stream),
              cudaSuccess);
    EXPECT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
    return memory;
  }
  template <class T> [[nodiscard]] std::vector<T> from_device(const T* memory, std::size_t n) {
    std::vector<T> host(n);
    EXPECT_EQ(cudaMemcpyAsync(host.data(), memory, n * sizeof(T), cudaMemcpyDefault, stream), cudaSuccess);
    EXPECT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
    return host;
  }

  /// Two blocks.
  template <class... Parameters>
  cudaError_t launch(void (*kernel)(Parameters...), std::type_identity_t<Parameters>... arguments) {
    return launch_shape(kernel, 2, threads, 0, arguments...);
  }
  template <class... Parameters>
  cudaError_t launch_shape(void (*kernel)(Parameters...), dim3 blocks, dim3 block, std::size_t shared,
                           std::type_identity_t<Parameters>... arguments) {
    void* addresses[] = {&arguments..., nullptr};
    return cudaLaunchKernel(kernel, blocks, block, addresses, shared, stream);
  }
};
using CudaOnHostDeathTest = CudaOnHost;

int element() { return static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x); }

__global__ void nothing() {}
__global__ void count_up(int* values) { ++values[element()]; }
__global__ void write_at(char* memory, std::ptrdiff_t at) { memory[at] = 1; }

/// Every thread takes what its left neighbour has left in shared memory.
template <bool with_barrier> __global__ void shift(int* out) {
  auto* line = static_cast<int*>(cuda_on_host::shared_memory());
  line[threadIdx.x] = static_cast<int>(threadIdx.x);
  if constexpr (with_barrier) __syncthreads();
  out[element()] = line[(threadIdx.x + threads - 1) % threads];
}
__global__ void wait_in_half_of_the_threads() {
  if (threadIdx.x < threads / 2) __syncthreads();
}
__global__ void show_shared_memory(float* out) {
  auto* shared = static_cast<float*>(cuda_on_host::shared_memory());
  out[element()] = shared[threadIdx.x];
  shared[threadIdx.x] = 1; // which the next block must not find
}
__global__ void write_shared_memory(std::ptrdiff_t at) {
  static_cast<char*>(cuda_on_host::shared_memory())[at] = 1;
}
struct Job {
  int n;
  int* values;
};
__global__ void count_up_in(Job job) { ++job.values[element()]; }
__global__ void note_block(int* last) { *last = static_cast<int>(blockIdx.x); }

TEST_F(CudaOnHost, RunsEveryThreadOfEveryBlockOnce) {
  auto* values = on_device(std::vector<int>(2 * threads));
  ASSERT_EQ(launch(count_up, values), cudaSuccess);
  EXPECT_EQ(from_device(values, 2 * threads), std::vector<int>(2 * threads, 1));
}

TEST_F(CudaOnHost, RunsNothingBeforeSomethingWaits) {
  auto* device = on_device(std::vector<int>{7});
  int host = 0;
  ASSERT_EQ(cudaMemcpyAsync(&host, device, sizeof host, cudaMemcpyDefault, stream), cudaSuccess);
  EXPECT_EQ(host, 0);
  ASSERT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
  EXPECT_EQ(host, 7);
  host = 0;
  cuda_on_host::schedule().start = Start::at_once;
  ASSERT_EQ(cudaMemcpyAsync(&host, device, sizeof host, cudaMemcpyDefault, stream), cudaSuccess);
  EXPECT_EQ(host, 7);
}

TEST_F(CudaOnHost, RunsOnlyTheStreamThatAThreadWaitsFor) {
  auto* values = on_device(std::vector<int>(2 * threads));
  auto* loaded = on_device(std::vector<int>{0});
  ASSERT_EQ(launch(count_up, values), cudaSuccess);
  std::thread([=] {
    const int seven = 7;
    cudaStream_t loads = nullptr;
    EXPECT_EQ(cudaSetDevice(0), cudaSuccess);
    EXPECT_EQ(cudaStreamCreateWithFlags(&loads, cudaStreamNonBlocking), cudaSuccess);
    EXPECT_EQ(cudaMemcpyAsync(loaded, &seven, sizeof seven, cudaMemcpyHostToDevice, loads), cudaSuccess);
    EXPECT_EQ(cudaStreamSynchronize(loads), cudaSuccess);
    int now = 0;
    EXPECT_EQ(cudaMemcpyAsync(&now, values, sizeof now, cudaMemcpyDeviceToHost, loads), cudaSuccess);
    EXPECT_EQ(cudaStreamDestroy(loads), cudaSuccess);
    EXPECT_EQ(now, 0) << "the other thread's kernel has run";
    EXPECT_EQ(cudaMalloc(nullptr, std::size_t{1} << 50), cudaErrorMemoryAllocation);
  }).join();
  EXPECT_EQ(cudaGetLastError(), cudaSuccess) << "that is the other thread's";
  EXPECT_EQ(from_device(loaded, 1), std::vector{7});
  EXPECT_EQ(from_device(values, 1), std::vector{1});
}

TEST_F(CudaOnHostDeathTest, EndsWhenAThreadUsesTheGpuWithoutChoosingIt) {
  EXPECT_DEATH(std::thread([this] { cudaStreamSynchronize(stream); }).join(),
               "a thread used the GPU that has not called cudaSetDevice");
}

TEST_F(CudaOnHost, GivesAMissingBarrierAway) {
  const auto in = [&](Order order, auto kernel) {
    cuda_on_host::schedule().order = order;
    auto* out = on_device<int>(2 * threads);
    EXPECT_EQ(launch_shape(kernel, 2, threads, threads * sizeof(int), out), cudaSuccess);
    return from_device(out, 2 * threads);
  };
  EXPECT_EQ(in(Order::ascending, shift<true>), in(Order::descending, shift<true>));
  EXPECT_NE(in(Order::ascending, shift<false>), in(Order::descending, shift<false>));
}

TEST_F(CudaOnHost, FillsWhatWasNeverWrittenWithNaN) {
  auto* fresh = on_device<float>(3);
  for (const float value : from_device(fresh, 3)) EXPECT_TRUE(std::isnan(value));
  auto* shared = on_device<float>(2 * threads);
  ASSERT_EQ(launch_shape(show_shared_memory, 2, threads, threads * sizeof(float), shared), cudaSuccess);
  for (const float value : from_device(shared, 2 * threads)) EXPECT_TRUE(std::isnan(value));
}

TEST_F(CudaOnHost, RefusesLaunchesThatNoGpuTakes) {
  EXPECT_EQ(launch_shape(nothing, 0, threads, 0), cudaErrorInvalidConfiguration);
  EXPECT_EQ(launch_shape(nothing, 1, 1025, 0), cudaErrorInvalidConfiguration);
  EXPECT_EQ(launch_shape(nothing, dim3(1, 65536), threads, 0), cudaErrorInvalidConfiguration);
  EXPECT_EQ(cudaGetLastError(), cudaErrorInvalidConfiguration);
  EXPECT_EQ(cudaGetLastError(), cudaSuccess);
  EXPECT_EQ(launch_shape(nothing, 1, threads, 49 << 10), cudaErrorInvalidValue);
  EXPECT_EQ(cudaFuncSetAttribute(nothing, cudaFuncAttributeMaxDynamicSharedMemorySize, 49 << 10),
            cudaSuccess);
  EXPECT_EQ(launch_shape(nothing, 1, threads, 49 << 10), cudaSuccess);
  EXPECT_EQ(cudaFuncSetAttribute(nothing, cudaFuncAttributeMaxDynamicSharedMemorySize, 97 << 10),
            cudaErrorInvalidValue);
}

TEST_F(CudaOnHostDeathTest, EndsWhereAGpuMayHang) {
  EXPECT_DEATH(
      {
        launch(wait_in_half_of_the_threads);
        cudaStreamSynchronize(stream);
      },
      "some threads of the block wait at a barrier that others never reach");
}

TEST_F(CudaOnHostDeathTest, EndsWhenTheHostTouchesDeviceMemory) {
  auto* device = on_device(std::vector<int>(3));
  EXPECT_DEATH(device[2] = 1, "the host used byte 8 of device memory of 12");
  ASSERT_EQ(cudaFree(device), cudaSuccess);
  EXPECT_DEATH(device[2] = 1, "the host used memory that is not there");
}

TEST_F(CudaOnHostDeathTest, EndsWhenAKernelLeavesItsMemory) {
  auto* device = on_device(std::vector<char>(1000));
  const auto touch = [&](std::ptrdiff_t at) {
    launch_shape(write_at, 1, 1, 0, device, at);
    cudaStreamSynchronize(stream);
  };
  touch(999);
  EXPECT_DEATH(touch(1000), "something was written beside device memory of 1000 bytes");
  EXPECT_DEATH(touch(-1), "something was written beside device memory of 1000 bytes");
  EXPECT_DEATH(touch(-900), "something was written beside device memory of 1000 bytes");
  EXPECT_DEATH(touch(1024), "block 0,0,0, thread 0,0,0 of a kernel used byte 1024 of device memory of 1000");
  EXPECT_DEATH(static_cast<void>(from_device(device, 5000)),
               "a copy or a transform used byte 1024 of device memory");
  ASSERT_EQ(cudaFree(device), cudaSuccess);
  auto* next = on_device(std::vector<char>(1000));
  EXPECT_NE(next, device);
  EXPECT_DEATH(touch(0), "of a kernel used memory that is not there");
  const auto touch_shared = [&](std::ptrdiff_t at) {
    launch_shape(write_shared_memory, 1, 1, 64, at);
    cudaStreamSynchronize(stream);
  };
  touch_shared(63);
  EXPECT_DEATH(touch_shared(64), "");
}

TEST_F(CudaOnHostDeathTest, EndsWhenAKernelGetsMemoryOfTheHost) {
  std::vector<int> host(2 * threads);
  EXPECT_DEATH(launch(count_up, host.data()),
               "byte 0 of argument 0 of a kernel begins an address of the host");
  EXPECT_DEATH(launch(count_up_in, Job{1, host.data()}),
               "byte 8 of argument 0 of a kernel begins an address");
  void* pinned = nullptr;
  ASSERT_EQ(cudaHostAlloc(&pinned, 2 * threads * sizeof(int), cudaHostAllocDefault), cudaSuccess);
  EXPECT_EQ(launch(count_up, static_cast<int*>(pinned)), cudaSuccess);
  ASSERT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
  EXPECT_EQ(static_cast<int*>(pinned)[5], 0); // -1 before
  ASSERT_EQ(cudaFreeHost(pinned), cudaSuccess);
}

/// A graph that adds 1 to each of two blocks of values.
cudaGraphExec_t graph_of_count_up(cudaStream_t stream, int* values) {
  EXPECT_EQ(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), cudaSuccess);
  void* addresses[] = {&values};
  EXPECT_EQ(cudaLaunchKernel(count_up, 2, threads, addresses, 0, stream), cudaSuccess);
  cudaGraph_t graph = nullptr;
  EXPECT_EQ(cudaStreamEndCapture(stream, &graph), cudaSuccess);
  cudaGraphExec_t executable = nullptr;
  EXPECT_EQ(cudaGraphInstantiate(&executable, graph, 0), cudaSuccess);
  EXPECT_EQ(cudaGraphDestroy(graph), cudaSuccess);
  return executable;
}

TEST_F(CudaOnHost, CapturesWithoutRunningAndRunsAtEveryLaunch) {
  auto* values = on_device(std::vector<int>(2 * threads));
  const auto graph = graph_of_count_up(stream, values);
  EXPECT_EQ(from_device(values, 1), std::vector{0});
  for (int i = 0; i < 3; ++i) ASSERT_EQ(cudaGraphLaunch(graph, stream), cudaSuccess);
  EXPECT_EQ(from_device(values, 1), std::vector{3});
  ASSERT_EQ(cudaGraphExecDestroy(graph), cudaSuccess);
  EXPECT_EQ(cudaGraphLaunch(graph, stream), cudaErrorInvalidValue);
}

TEST_F(CudaOnHostDeathTest, EndsWhenAGraphHoldsMemoryThatIsGone) {
  auto* values = on_device(std::vector<int>(2 * threads));
  const auto graph = graph_of_count_up(stream, values);
  ASSERT_EQ(cudaFree(values), cudaSuccess);
  EXPECT_DEATH(
      {
        cudaGraphLaunch(graph, stream);
        cudaStreamSynchronize(stream);
      },
      "of a kernel used memory that is not there");
  ASSERT_EQ(cudaGraphExecDestroy(graph), cudaSuccess);
}

TEST_F(CudaOnHost, RunsBlocksInTheOrderThatIsSet) {
  auto* last = on_device(std::vector<int>{-1});
  for (const auto& [order, block] : {std::pair(Order::ascending, 4), std::pair(Order::descending, 0)}) {
    cuda_on_host::schedule().order = order;
    ASSERT_EQ(launch_shape(note_block, 5, 1, 0, last), cudaSuccess);
    EXPECT_EQ(from_device(last, 1), std::vector{block});
  }
}

TEST_F(CudaOnHost, VoidsACaptureThatDoesWhatItMayNot) {
  void* memory = nullptr;
  const auto begun = [&] {
    ASSERT_EQ(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), cudaSuccess);
  };
  const auto is_void = [&] {
    EXPECT_EQ(launch(nothing), cudaErrorStreamCaptureInvalidated);
    cudaGraph_t graph = nullptr;
    EXPECT_EQ(cudaStreamEndCapture(stream, &graph), cudaErrorStreamCaptureInvalidated);
    EXPECT_EQ(graph, nullptr);
  };
  begun();
  EXPECT_EQ(cudaMalloc(&memory, 1), cudaErrorStreamCaptureUnsupported);
  is_void();
  begun();
  EXPECT_EQ(cudaStreamSynchronize(stream), cudaErrorStreamCaptureUnsupported);
  is_void();
  EXPECT_EQ(launch(nothing), cudaSuccess);
}

TEST_F(CudaOnHost, WorksOnWhileItIsAsked) {
  const int one = 1;
  std::array<int, 2> done{};
  for (int& each : done)
    ASSERT_EQ(cudaMemcpyAsync(&each, &one, sizeof one, cudaMemcpyHostToHost, stream), cudaSuccess);
  EXPECT_EQ(done, (std::array{0, 0}));
  EXPECT_EQ(cudaStreamQuery(stream), cudaErrorNotReady);
  EXPECT_EQ(cudaGetLastError(), cudaErrorNotReady); // as CUDA keeps it
  EXPECT_EQ(done, (std::array{1, 0}));
  EXPECT_EQ(cudaStreamQuery(stream), cudaSuccess);
  EXPECT_EQ(done, (std::array{1, 1}));
}

TEST_F(CudaOnHost, HasAsMuchMemoryAsItIsTold) {
  ASSERT_EQ(setenv("CUDA_ON_HOST_MIB", "64", 1), 0);
  std::size_t free = 0;
  std::size_t total = 0;
  ASSERT_EQ(cudaMemGetInfo(&free, &total), cudaSuccess);
  EXPECT_EQ(total, std::size_t{64} << 20);
  void* memory = nullptr;
  EXPECT_EQ(cudaMalloc(&memory, 65 << 20), cudaErrorMemoryAllocation);
  ASSERT_EQ(unsetenv("CUDA_ON_HOST_MIB"), 0);
  EXPECT_EQ(cudaMalloc(&memory, 65 << 20), cudaSuccess);
  EXPECT_EQ(cudaFree(memory), cudaSuccess);
}

/// Columns of an array of 6 x 4, by the definition.
TEST_F(CudaOnHost, TransformsLinesWithAStride) {
  constexpr int n = 6;
  constexpr int columns = 4;
  std::vector<cufftComplex> values(n * columns);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto t = static_cast<float>(i);
    values[i] = {std::sin(1.3F * t), std::cos(0.7F * t * t)};
  }
  auto* device = on_device(values);
  cufftHandle plan = 0;
  ASSERT_EQ(cufftCreate(&plan), CUFFT_SUCCESS);
  ASSERT_EQ(cufftSetAutoAllocation(plan, 0), CUFFT_SUCCESS);
  int length = n;
  std::size_t work_bytes = 0;
  ASSERT_EQ(cufftMakePlanMany(plan, 1, &length, &length, columns, 1, &length, columns, 1, CUFFT_C2C, columns,
                              &work_bytes),
            CUFFT_SUCCESS);
  ASSERT_EQ(cufftSetStream(plan, stream), CUFFT_SUCCESS);
  EXPECT_EQ(cufftExecC2C(plan, device, device, CUFFT_FORWARD), CUFFT_INTERNAL_ERROR)
      << "has no work area yet";
  auto* work = on_device<char>(work_bytes);
  ASSERT_EQ(cufftSetWorkArea(plan, work), CUFFT_SUCCESS);
  EXPECT_EQ(cufftExecC2C(plan, values.data(), values.data(), CUFFT_FORWARD), CUFFT_INVALID_VALUE);
  ASSERT_EQ(cufftExecC2C(plan, device, device, CUFFT_FORWARD), CUFFT_SUCCESS);
  const auto found = from_device(device, values.size());
  for (int x = 0; x < columns; ++x)
    for (int k = 0; k < n; ++k) {
      std::complex<double> expected;
      for (int y = 0; y < n; ++y) {
        const auto& v = values[static_cast<std::size_t>(y * columns + x)];
        expected += std::complex<double>(v.x, v.y) * std::polar(1.0, -2 * std::numbers::pi * k * y / n);
      }
      const auto& v = found[static_cast<std::size_t>(k * columns + x)];
      EXPECT_NEAR(std::abs(std::complex<double>(v.x, v.y) - expected), 0, 1e-6); // float32 of at most 6
    }
  EXPECT_EQ(cufftDestroy(plan), CUFFT_SUCCESS);
}

} // namespace
