#pragma once

#include "ptychoscale/reconstruct/reconstruct.hpp"
#include "ptychoscale/record/provenance.hpp"

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <string>
#include <vector>

namespace ptychoscale {

/// How a run, made or planned, was set up: method, mesh, exchange, halo and so on.
void add_options(Json& row, const ReconstructionOptions& options, const ReconstructionPlan& plan);

/// Messages, bytes and positions of all ranks.
void add_traffic(Json& row, const std::vector<RankStatistics>& ranks);

/// Seconds of one iteration that ranks computed, waited and communicated.
void add_phases(Json& row, const std::vector<RankStatistics>& ranks, std::size_t iterations);

/// Peak bytes by label.
void add_memory(Json& row, const std::vector<RankStatistics>& ranks);

/// `key`_max, _mean and _min over the ranks.
template <class Value>
void add_spread(Json& row, const std::string& key, const std::vector<RankStatistics>& ranks, Value value) {
  std::vector<double> all;
  for (const auto& rank : ranks) all.push_back(static_cast<double>(value(rank)));
  row[key + "_max"] = *std::max_element(all.begin(), all.end());
  row[key + "_mean"] = std::accumulate(all.begin(), all.end(), 0.0) / static_cast<double>(all.size());
  row[key + "_min"] = *std::min_element(all.begin(), all.end());
}

} // namespace ptychoscale
