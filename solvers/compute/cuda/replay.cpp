#include "replay.hpp"

#include "check.hpp"
#include "ptychoscale/base/error.hpp"

#include <memory>
#include <type_traits>

namespace ptychoscale::cuda {
namespace {

struct DestroyGraph {
  void operator()(cudaGraph_t graph) const noexcept { report(cudaGraphDestroy(graph), "cudaGraphDestroy"); }
  void operator()(cudaGraphExec_t graph) const noexcept {
    report(cudaGraphExecDestroy(graph), "cudaGraphExecDestroy");
  }
};
template <class Handle> using Owned = std::unique_ptr<std::remove_pointer_t<Handle>, DestroyGraph>;

/// From its making until end(), launches on the stream are recorded and do not run. What this thread may not
/// do meanwhile, others may: one loads measurements.
class Capture {
public:
  explicit Capture(cudaStream_t stream) : stream_(stream) {
    check(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), "cudaStreamBeginCapture");
  }
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;
  /// Without end() an exception is on its way that tells what happened. What this call fails with only
  /// follows from that, and a library that asks for the last error must not take it for its own.
  ~Capture() {
    if (ended_) return;
    cudaGraph_t graph = nullptr;
    static_cast<void>(cudaStreamEndCapture(stream_, &graph));
    static_cast<void>(cudaGetLastError());
    const Owned<cudaGraph_t> unwanted(graph);
  }
  [[nodiscard]] Owned<cudaGraph_t> end() {
    ended_ = true;
    cudaGraph_t graph = nullptr;
    const auto status = cudaStreamEndCapture(stream_, &graph);
    Owned<cudaGraph_t> captured(graph);
    check(status, "cudaStreamEndCapture");
    return captured;
  }

private:
  cudaStream_t stream_;
  bool ended_ = false;
};

Owned<cudaGraphExec_t> captured(cudaStream_t stream, const std::function<void()>& verbs) {
  Capture capture(stream);
  verbs();
  const auto graph = capture.end();
  cudaGraphExec_t executable = nullptr;
  const auto status = cudaGraphInstantiate(&executable, graph.get(), 0);
  if (status == cudaErrorMemoryAllocation) {
    static_cast<void>(cudaGetLastError());
    throw RunError(
        "GPU memory: the graph of a sweep is not to be had beside what this process holds; what may fit: "
        "--launch direct");
  }
  check(status, "cudaGraphInstantiate");
  return Owned<cudaGraphExec_t>(executable);
}

struct RecordedVerbs final : Recording::Content {
  explicit RecordedVerbs(std::uint64_t releases_so_far) : releases(releases_so_far) {}
  std::uint64_t releases; ///< when they ran
  Owned<cudaGraphExec_t> graph;
};

} // namespace

void replay(Recording& recording, std::uint64_t releases, cudaStream_t stream,
            const std::function<void()>& verbs) {
  auto* recorded = static_cast<RecordedVerbs*>(recording.content.get());
  if (recorded == nullptr || recorded->releases != releases) {
    verbs();
    recording.content = std::make_unique<RecordedVerbs>(releases);
    return;
  }
  if (!recorded->graph) recorded->graph = captured(stream, verbs);
  check(cudaGraphLaunch(recorded->graph.get(), stream), "cudaGraphLaunch");
}

} // namespace ptychoscale::cuda
