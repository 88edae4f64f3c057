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

/// Throws InputError for kernels that are those of another backend.
void check_kernels(const BackendOptions& options) {
  const auto others = options.kind == "cuda" ? Kernels::fftw : Kernels::cufft;
  if (options.kernels == others)
    throw InputError(fmt::format("kernels: '{}' is a choice of the {} backend; valid with {}: {}, fused",
                                 name(others), options.kind == "cuda" ? "cpu" : "cuda", options.kind,
                                 options.kind == "cuda" ? "cufft" : "fftw"));
}

} // namespace

std::string_view name(Kernels kernels) {
  switch (kernels) {
  case Kernels::fftw:
    return "fftw";
  case Kernels::cufft:
    return "cufft";
  case Kernels::fused:
    return "fused";
  }
  return "";
}

Kernels kernels_of(const BackendOptions& options) {
  return options.kernels.value_or(options.kind == "cuda" ? Kernels::cufft : Kernels::fused);
}

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
  check_kernels(options);
#ifdef PTYCHOSCALE_CUDA
  if (options.kind == "cuda") return make_cuda_backend(options);
#endif
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
