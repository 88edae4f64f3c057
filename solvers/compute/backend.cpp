#include "ptychoscale/compute/backend.hpp"

#include "cpu/cpu_backend.hpp"
#include "cuda/cuda_backend.hpp"
#include "ptychoscale/base/error.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace ptychoscale {
namespace {

[[noreturn]] void refuse_choice_of_cuda(const char* option, const char* word, const std::string& kind) {
  throw InputError(
      fmt::format("{}: '{}' is a choice of the cuda backend; leave it out with {}", option, word, kind));
}

} // namespace

std::vector<std::string> backend_names() {
  std::vector<std::string> names{"cpu"};
#ifdef PTYCHOSCALE_CUDA
  names.emplace_back("cuda");
#endif
  return names;
}

std::unique_ptr<Backend> make_backend(const BackendOptions& options) {
  if (options.threads < 1)
    throw InputError(fmt::format("threads: {} is not usable; give at least 1", options.threads));
#ifdef PTYCHOSCALE_CUDA
  if (options.kind == "cuda") return make_cuda_backend(options);
#endif
  if (options.kernels)
    refuse_choice_of_cuda("kernels", *options.kernels == Kernels::fused ? "fused" : "cufft", options.kind);
  if (options.launch)
    refuse_choice_of_cuda("launch", *options.launch == Launch::graph ? "graph" : "direct", options.kind);
  if (options.messages)
    refuse_choice_of_cuda("messages", *options.messages == MessageMemory::host ? "host" : "device",
                          options.kind);
  if (options.kind == "cpu") return make_cpu_backend(options);
  throw InputError(fmt::format("backend: '{}' is unknown; this build has {}", options.kind,
                               fmt::join(backend_names(), ", ")));
}

} // namespace ptychoscale
