/// When verbs run, are captured and are launched as a graph, on a runtime that only counts: what a GPU does
/// with them is for the tests that need one.
#include "cuda/replay.hpp"
#include "ptychoscale/base/error.hpp"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <utility>

namespace {

/// What was asked of the runtime, and what it should answer.
struct Runtime {
  bool capturing = false;
  int graphs = 0;      ///< there now
  int executables = 0; ///< there now
  int instantiated = 0;
  int launched = 0;
  cudaError_t end_of_capture = cudaSuccess;
  cudaError_t instantiation = cudaSuccess;
  cudaError_t pending = cudaSuccess; ///< for cudaGetLastError
};
Runtime runtime;
int some_graph = 0;

cudaError_t fail(cudaError_t status) { return runtime.pending = status; }

} // namespace

extern "C" {
cudaError_t cudaStreamBeginCapture(cudaStream_t, cudaStreamCaptureMode mode) {
  EXPECT_EQ(mode, cudaStreamCaptureModeThreadLocal);
  EXPECT_FALSE(std::exchange(runtime.capturing, true));
  return cudaSuccess;
}
cudaError_t cudaStreamEndCapture(cudaStream_t, cudaGraph_t* graph) {
  EXPECT_TRUE(std::exchange(runtime.capturing, false));
  if (runtime.end_of_capture != cudaSuccess) return fail(runtime.end_of_capture);
  *graph = reinterpret_cast<cudaGraph_t>(&some_graph);
  ++runtime.graphs;
  return cudaSuccess;
}
cudaError_t cudaGraphInstantiate(cudaGraphExec_t* executable, cudaGraph_t, unsigned long long) {
  if (runtime.instantiation != cudaSuccess) return fail(runtime.instantiation);
  *executable = reinterpret_cast<cudaGraphExec_t>(&some_graph);
  ++runtime.executables;
  ++runtime.instantiated;
  return cudaSuccess;
}
cudaError_t cudaGraphDestroy(cudaGraph_t) { return --runtime.graphs, cudaSuccess; }
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t) { return --runtime.executables, cudaSuccess; }
cudaError_t cudaGraphLaunch(cudaGraphExec_t, cudaStream_t) { return ++runtime.launched, cudaSuccess; }
cudaError_t cudaGetLastError() { return std::exchange(runtime.pending, cudaSuccess); }
const char* cudaGetErrorName(cudaError_t) { return "NAME"; }
const char* cudaGetErrorString(cudaError_t) { return "text"; }
}

namespace ptychoscale {
namespace {

class Replay : public testing::Test {
protected:
  Recording recording;
  int ran = 0;      ///< times that the verbs ran
  int captured = 0; ///< times that they were captured

  void SetUp() override { runtime = {}; }
  void TearDown() override {
    recording = {};
    EXPECT_FALSE(runtime.capturing);
    EXPECT_EQ(runtime.graphs, 0);
    EXPECT_EQ(runtime.executables, 0);
    EXPECT_EQ(runtime.pending, cudaSuccess) << "a later call would be blamed";
  }
  void replay(std::uint64_t releases = 0) {
    cuda::replay(recording, releases, nullptr, [this] { ++(runtime.capturing ? captured : ran); });
  }
  [[nodiscard]] std::string complaint(const std::function<void()>& verbs) {
    try {
      cuda::replay(recording, 0, nullptr, verbs);
    } catch (const std::exception& error) {
      return error.what();
    }
    return "none";
  }
};

TEST_F(Replay, RunsThenCapturesThenOnlyLaunches) {
  for (int call = 0; call < 5; ++call) replay();
  EXPECT_EQ(ran, 1);
  EXPECT_EQ(captured, 1);
  EXPECT_EQ(runtime.instantiated, 1);
  EXPECT_EQ(runtime.launched, 4);
}

TEST_F(Replay, BeginsAnewWhenMemoryWasGivenBack) {
  for (int call = 0; call < 3; ++call) replay(7);
  for (int call = 0; call < 3; ++call) replay(8);
  replay(9); // between running and capture
  replay(10);
  EXPECT_EQ(ran, 4);
  EXPECT_EQ(captured, 2);
  EXPECT_EQ(runtime.launched, 4);
  EXPECT_EQ(runtime.executables, 0) << "a graph that is void is still there";
}

TEST_F(Replay, BeginsAnewWhenTheRecordingWasEmptied) {
  for (int call = 0; call < 3; ++call) replay();
  recording = {};
  EXPECT_EQ(runtime.executables, 0);
  for (int call = 0; call < 3; ++call) replay();
  EXPECT_EQ(ran, 2);
  EXPECT_EQ(captured, 2);
}

TEST_F(Replay, EndsTheCaptureWhenAVerbFails) {
  replay();
  runtime.end_of_capture = cudaErrorStreamCaptureInvalidated; // as the real one answers then
  EXPECT_EQ(complaint([] { throw RunError("cudaMalloc: not while capturing"); }),
            "cudaMalloc: not while capturing");
  EXPECT_FALSE(runtime.capturing);
  EXPECT_EQ(runtime.launched, 0);
  runtime.end_of_capture = cudaSuccess;
  replay(); // no harm is left
  EXPECT_EQ(runtime.launched, 1);
}

TEST_F(Replay, TellsWhatTheVendorSays) {
  replay();
  runtime.end_of_capture = cudaErrorStreamCaptureUnjoined;
  EXPECT_EQ(complaint([] {}), "cudaStreamEndCapture: NAME, text");
  runtime.end_of_capture = cudaSuccess;
  runtime.instantiation = cudaErrorUnknown;
  EXPECT_EQ(complaint([] {}), "cudaGraphInstantiate: NAME, text");
  EXPECT_EQ(runtime.launched, 0);
  runtime.pending = cudaSuccess; // reported
}

TEST_F(Replay, OffersDirectLaunchesWhereAGraphDoesNotFit) {
  replay();
  runtime.instantiation = cudaErrorMemoryAllocation;
  EXPECT_NE(complaint([] {}).find("what may fit: --launch direct"), std::string::npos);
  EXPECT_EQ(runtime.launched, 0);
}

} // namespace
} // namespace ptychoscale
