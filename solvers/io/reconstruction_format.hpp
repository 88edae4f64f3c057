#pragma once

#include <cstdint>

/// Names in a reconstruction file, shared by reader and writers.
namespace ptychoscale::reconstruction_format {

inline constexpr std::int64_t schema_version = 2;
inline constexpr const char* phase = "reconstruction/object_phase/data";
inline constexpr const char* potential = "reconstruction/potential/data";
inline constexpr const char* probe = "reconstruction/probe/data";
inline constexpr const char* group = "ptychoscale";
inline constexpr const char* report = "ptychoscale/report";
inline constexpr const char* cores = "ptychoscale/cores";
inline constexpr const char* cost = "ptychoscale/cost_per_iteration";
inline constexpr const char* slice_hashes = "ptychoscale/slice_hashes";
inline constexpr const char* header_hash = "header_hash"; ///< attribute of `group`

} // namespace ptychoscale::reconstruction_format
