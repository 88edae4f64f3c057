#pragma once

#include <string>
#include <string_view>

namespace ptychoscale {

/// What this executable was made from; every report carries it.
struct BuildInfo {
  std::string version;
  std::string compiler;
  std::string flags;
  std::string build_type;
  std::string hdf5; ///< version of the library in use
  std::string mpi;  ///< name and version of the library in use
};
[[nodiscard]] BuildInfo build_info();

/// What a backend's runs are evidence of, by its name or description: "measured", or "simulated" for that of
/// a GPU in a build that runs its kernels on the host.
[[nodiscard]] std::string_view evidence_of(std::string_view backend);

/// Commit of the sources, or "unknown" outside a git checkout; looked up at every build.
[[nodiscard]] std::string_view source_commit();
/// Whether the sources differed from that commit.
[[nodiscard]] bool source_dirty();

} // namespace ptychoscale
