#pragma once

#include "choices.hpp"
#include "ptychoscale/compute/backend.hpp"

#include <CLI/CLI.hpp>

#include <optional>

namespace ptychoscale {

/// --kernels, beside --backend.
inline void add_kernels_option(CLI::App& command, std::optional<Kernels>& target) {
  static const Choices<Kernels> paths{{"cufft", Kernels::cufft}, {"fused", Kernels::fused}};
  command
      .add_option_function<std::string>(
          "--kernels", [&target](const std::string& word) { target = meaning(paths, word); },
          "With --backend cuda: cuFFT and kernels between its transforms, or slice steps of two kernels for "
          "lengths that have them; left out: cufft, until fused has been verified on a GPU")
      ->check(CLI::IsMember(words(paths)));
}

} // namespace ptychoscale
