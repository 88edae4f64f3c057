#pragma once

#include "ptychoscale/compute/backend.hpp"
#include "ptychoscale/options/choices.hpp"

#include <CLI/CLI.hpp>

#include <optional>
#include <string>

namespace ptychoscale {

/// --backend, --kernels, and --launch for one on a GPU.
inline void add_backend_options(CLI::App& command, BackendOptions& target) {
  static const Choices<Kernels> paths{
      {"fftw", Kernels::fftw}, {"cufft", Kernels::cufft}, {"fused", Kernels::fused}};
  static const Choices<Launch> launches{{"graph", Launch::graph}, {"direct", Launch::direct}};
  command.add_option("--backend", target.kind, "What computes")
      ->check(CLI::IsMember(backend_names()))
      ->capture_default_str();
  command
      .add_option_function<std::string>(
          "--kernels", [&target](const std::string& word) { target.kernels = meaning(paths, word); },
          "How slice steps are made: with a library's transforms, fftw on CPUs and cufft on GPUs, or fused, "
          "lines that are read once, transformed, worked on and transformed back, for lengths that have it; "
          "left out: fused with --backend cpu; cufft with cuda, until fused has been verified on a GPU")
      ->check(CLI::IsMember(words(paths)));
  command
      .add_option_function<std::string>(
          "--launch", [&target](const std::string& word) { target.launch = meaning(launches, word); },
          "With --backend cuda: a position's sweeps recorded once and started as graphs, or every kernel by "
          "itself; left out: graph")
      ->check(CLI::IsMember(words(launches)));
}

/// --messages, for commands whose ranks send each other what backends pack.
inline void add_messages_option(CLI::App& command, BackendOptions& target) {
  static const Choices<std::optional<MessageMemory>> places{
      {"auto", std::nullopt}, {"host", MessageMemory::host}, {"device", MessageMemory::device}};
  command
      .add_option_function<std::string>(
          "--messages", [&target](const std::string& word) { target.messages = meaning(places, word); },
          "With --backend cuda: messages from pinned host memory, or from the GPU's own if the MPI library "
          "says that it takes them; auto: from the GPU's own if it does")
      ->check(CLI::IsMember(words(places)))
      ->default_str("auto");
}

} // namespace ptychoscale
