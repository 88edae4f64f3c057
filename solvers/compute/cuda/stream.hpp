#pragma once

#include "check.hpp"

namespace ptychoscale::cuda {

/// A stream of the device that was current when it was made; does not wait for the default stream.
class Stream {
public:
  [[nodiscard]] Stream() {
    check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "cudaStreamCreateWithFlags");
  }
  ~Stream() { report(cudaStreamDestroy(stream_), "cudaStreamDestroy"); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  [[nodiscard]] cudaStream_t get() const { return stream_; }
  [[nodiscard]] bool is_done() const {
    const auto status = cudaStreamQuery(stream_);
    if (status == cudaErrorNotReady) return static_cast<void>(cudaGetLastError()), false; // it is kept there
    check(status, "cudaStreamQuery");
    return true;
  }
  void synchronize() const { check(cudaStreamSynchronize(stream_), "cudaStreamSynchronize"); }

private:
  cudaStream_t stream_ = nullptr;
};

} // namespace ptychoscale::cuda
