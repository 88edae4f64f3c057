#include "cuda_on_host.hpp"
#include "memory.hpp"
#include "queue.hpp"

#include <cstdlib>
#include <cstring>
#include <deque>
#include <memory>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

using namespace cuda_on_host;

struct CUgraph_st {
  std::vector<Work> work;
};
struct CUgraphExec_st {
  std::vector<Work> work;
};
struct CUstream_st {
  std::deque<Work> queued;
  cudaStreamCaptureStatus capture = cudaStreamCaptureStatusNone;
  std::unique_ptr<CUgraph_st> graph; ///< that is captured
};

namespace cuda_on_host {
namespace {

/// Streams that were made, and the default stream, which waits for none of them and none for it: those that
/// the backend makes are non-blocking.
struct Streams {
  CUstream_st usual;
  std::set<cudaStream_t> made;
  std::set<cudaGraphExec_t> executables;
};
Streams streams;
thread_local cudaError_t last_error = cudaSuccess;

std::mutex& turns() {
  static std::mutex all;
  return all;
}

/// Null for a handle that is none.
CUstream_st* find(cudaStream_t stream) {
  if (stream == nullptr) return &streams.usual;
  return streams.made.contains(stream) ? stream : nullptr;
}

/// What is queued, or only the first of it. Opening and closing all memory takes longer than many a kernel:
/// once for all that runs in one go.
void run(CUstream_st& stream, bool only_first = false) {
  if (stream.queued.empty()) return;
  const DeviceRuns running;
  do {
    stream.queued.front()();
    stream.queued.pop_front();
  } while (!only_first && !stream.queued.empty());
}

bool capturing(const CUstream_st& stream) { return stream.capture != cudaStreamCaptureStatusNone; }

/// Waiting for a stream that captures would wait for ever.
cudaError_t wait_for(CUstream_st& stream) {
  if (capturing(stream)) {
    stream.capture = cudaStreamCaptureStatusInvalidated;
    return failed(cudaErrorStreamCaptureUnsupported);
  }
  run(stream);
  return cudaSuccess;
}

Schedule schedule_of_environment() {
  const auto is = [](const char* variable, std::string_view value) {
    const char* text = std::getenv(variable);
    return text != nullptr && text == value;
  };
  using Order = ptychoscale::BlockOnHost::Order;
  return {is("CUDA_LAUNCH_BLOCKING", "1") ? Start::at_once : Start::late,
          is("CUDA_ON_HOST_ORDER", "descending") ? Order::descending : Order::ascending};
}

} // namespace

Schedule& schedule() {
  static Schedule of_process = schedule_of_environment();
  return of_process;
}

Turn::Turn() : held_(turns()) {
  if (!thread_has_chosen_device()) give_up("a thread used the GPU that has not called cudaSetDevice");
}

cudaError_t failed(cudaError_t error) { return last_error = error; }

cudaError_t queue(Work work, cudaStream_t handle) {
  CUstream_st* stream = find(handle);
  if (stream == nullptr) return failed(cudaErrorInvalidResourceHandle);
  if (stream->capture == cudaStreamCaptureStatusInvalidated) return failed(cudaErrorStreamCaptureInvalidated);
  if (capturing(*stream)) {
    stream->graph->work.push_back(std::move(work));
    return cudaSuccess;
  }
  stream->queued.push_back(std::move(work));
  if (schedule().start == Start::at_once) run(*stream);
  return cudaSuccess;
}

void run_all() {
  run(streams.usual);
  for (auto* stream : streams.made) run(*stream);
}

bool invalidate_captures() {
  bool any = false;
  for (auto* stream : streams.made)
    if (capturing(*stream)) {
      stream->capture = cudaStreamCaptureStatusInvalidated;
      any = true;
    }
  return any;
}

} // namespace cuda_on_host

extern "C" {

cudaError_t cudaGetLastError() { return std::exchange(last_error, cudaSuccess); }

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags) {
  const Turn turn;
  if (flags != cudaStreamNonBlocking) give_up("a stream that waits for the default stream is not built");
  *stream = *streams.made.insert(new CUstream_st).first;
  return cudaSuccess;
}

cudaError_t cudaStreamDestroy(cudaStream_t handle) {
  const Turn turn;
  CUstream_st* stream = find(handle);
  if (handle == nullptr || stream == nullptr) return failed(cudaErrorInvalidResourceHandle);
  run(*stream);
  streams.made.erase(stream);
  delete stream;
  return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t handle) {
  const Turn turn;
  CUstream_st* stream = find(handle);
  return stream == nullptr ? failed(cudaErrorInvalidResourceHandle) : wait_for(*stream);
}

/// As if the device worked while it is asked.
cudaError_t cudaStreamQuery(cudaStream_t handle) {
  const Turn turn;
  CUstream_st* stream = find(handle);
  if (stream == nullptr) return failed(cudaErrorInvalidResourceHandle);
  if (capturing(*stream)) return wait_for(*stream);
  run(*stream, true);
  return stream->queued.empty() ? cudaSuccess : failed(cudaErrorNotReady);
}

cudaError_t cudaDeviceSynchronize() {
  const Turn turn;
  if (invalidate_captures()) return failed(cudaErrorStreamCaptureUnsupported);
  run_all();
  return cudaSuccess;
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t stream) {
  const Turn turn;
  if (kind == cudaMemcpyDeviceToDevice && !(in_device_memory(to) && in_device_memory(from)))
    return failed(cudaErrorInvalidValue);
  if (bytes == 0) return cudaSuccess;
  return queue([=] { std::memmove(to, from, bytes); }, stream);
}

cudaError_t cudaMemsetAsync(void* memory, int byte, std::size_t bytes, cudaStream_t stream) {
  const Turn turn;
  if (bytes == 0) return cudaSuccess;
  if (!in_device_memory(memory) && !in_pinned_memory(memory)) return failed(cudaErrorInvalidValue);
  return queue([=] { std::memset(memory, byte, bytes); }, stream);
}

cudaError_t cudaStreamBeginCapture(cudaStream_t handle, cudaStreamCaptureMode) {
  const Turn turn;
  CUstream_st* stream = find(handle);
  if (stream == nullptr) return failed(cudaErrorInvalidResourceHandle);
  if (handle == nullptr || capturing(*stream)) return failed(cudaErrorStreamCaptureUnsupported);
  stream->capture = cudaStreamCaptureStatusActive;
  stream->graph = std::make_unique<CUgraph_st>();
  return cudaSuccess;
}

cudaError_t cudaStreamEndCapture(cudaStream_t handle, cudaGraph_t* graph) {
  const Turn turn;
  CUstream_st* stream = find(handle);
  if (stream == nullptr) return failed(cudaErrorInvalidResourceHandle);
  auto captured = std::move(stream->graph);
  const auto status = std::exchange(stream->capture, cudaStreamCaptureStatusNone);
  *graph = nullptr;
  if (status == cudaStreamCaptureStatusNone) return failed(cudaErrorInvalidValue);
  if (status == cudaStreamCaptureStatusInvalidated) return failed(cudaErrorStreamCaptureInvalidated);
  *graph = captured.release();
  return cudaSuccess;
}

cudaError_t cudaStreamIsCapturing(cudaStream_t handle, cudaStreamCaptureStatus* status) {
  const Turn turn;
  CUstream_st* stream = find(handle);
  if (stream == nullptr) return failed(cudaErrorInvalidResourceHandle);
  *status = stream->capture;
  return cudaSuccess;
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t* executable, cudaGraph_t graph, unsigned long long) {
  const Turn turn;
  *executable = *streams.executables.insert(new CUgraphExec_st{graph->work}).first;
  return cudaSuccess;
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t stream) {
  const Turn turn;
  if (!streams.executables.contains(executable)) return failed(cudaErrorInvalidValue);
  return queue(
      [all = executable->work] {
        for (const auto& work : all) work();
      },
      stream);
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  const Turn turn;
  delete graph;
  return cudaSuccess;
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable) {
  const Turn turn;
  if (streams.executables.erase(executable) == 0) return failed(cudaErrorInvalidValue);
  delete executable;
  return cudaSuccess;
}
}
