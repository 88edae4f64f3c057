#include "temporary_folder.hpp"

#include "ptychoscale/comm/communicator.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <unistd.h>

namespace ptychoscale {
namespace {

constexpr off_t room = 64 << 10; // more is not asked for: every rank of a host does

/// Makes and removes a file; gives the error that kept it from taking some bytes.
int try_to_write_in(const std::filesystem::path& folder) {
  auto name = (folder / "ptychoscale-XXXXXX").string();
  const int file = mkstemp(name.data());
  if (file < 0) return errno;
  unlink(name.c_str());
  const int failed = posix_fallocate(file, 0, room);
  close(file);
  return failed == EINVAL || failed == EOPNOTSUPP ? 0 : failed; // a file system that cannot tell
}

} // namespace

std::optional<std::string> complaint_of_temporary_folder() {
  if (Communicator::library_version().find("Open MPI") == std::string::npos) return std::nullopt;
  const char* named = std::getenv("TMPDIR");
  const std::filesystem::path folder = named != nullptr && *named != '\0' ? named : "/tmp";
  std::error_code ignored;
  if (!std::filesystem::exists(folder, ignored)) return std::nullopt;
  const int failed = try_to_write_in(folder);
  if (failed == 0) return std::nullopt;
  return fmt::format(
      "TMPDIR: '{}' cannot be written ({}), and Open MPI keeps files there; valid: a folder with room",
      folder.string(), std::strerror(failed));
}

} // namespace ptychoscale
