#pragma once

#include "ptychoscale/compute/backend.hpp"
#include "ptychoscale/compute/kernel_rates.hpp"

#include <functional>
#include <memory>

namespace ptychoscale {

struct ModelOptions {
  int threads = 1; ///< of the CPU backend it stands for: each works in memory of its own
  KernelRates rates;
  std::function<void(double seconds)> charge; ///< told what every verb would have taken
};

/// A backend that moves no data: it meters every allocation and charges every verb, so that the solvers'
/// own code, run on it, tells bytes, messages and kernel time of any rank. Its memory is address space that
/// cannot be touched; what is copied back from it is left as it was. It computes nothing, hence is not among
/// those that make_backend() names.
[[nodiscard]] std::unique_ptr<Backend> make_model_backend(ModelOptions options);

} // namespace ptychoscale
