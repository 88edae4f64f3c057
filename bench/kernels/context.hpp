#pragma once

#include "ptychoscale/record/build_info.hpp"
#include "ptychoscale/record/machine.hpp"

#include <benchmark/benchmark.h>

#include <string>

namespace ptychoscale {

/// Says in the context of a benchmark's file what reports say of themselves, by the same names: sources,
/// compiler and processor. Before the benchmarks run.
inline void add_context() {
  const auto build = build_info();
  benchmark::AddCustomContext("version", build.version);
  benchmark::AddCustomContext("source_commit", std::string(source_commit()));
  benchmark::AddCustomContext("source_dirty", source_dirty() ? "true" : "false");
  benchmark::AddCustomContext("compiler", build.compiler);
  benchmark::AddCustomContext("flags", build.flags);
  benchmark::AddCustomContext("cpu", this_machine().cpu);
}

} // namespace ptychoscale
