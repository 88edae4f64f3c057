// Prints what is known of every fused kernel without a compiler for GPUs, as JSON: validation/kernels reads
// it.
#include "traffic.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

int main() {
  auto shapes = nlohmann::json::array();
  for (const auto& s : ptychoscale::kernels::shapes_of_kernels())
    shapes.push_back({{"verb", s.verb},
                      {"job", s.job},
                      {"length", s.length},
                      {"lines", s.lines},
                      {"threads", s.threads},
                      {"memory_bytes", s.memory_bytes},
                      {"values", s.values},
                      {"passes", s.passes},
                      {"rewind_passes", s.rewind_passes}});
  fmt::print("{}\n", shapes.dump(1));
}
