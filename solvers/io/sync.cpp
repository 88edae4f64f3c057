#include "ptychoscale/io/sync.hpp"

#include "ptychoscale/base/error.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

namespace ptychoscale {
namespace {

/// Some file systems cannot sync what `flags` opens and say EINVAL; they keep an order of their own.
void sync(const std::filesystem::path& path, int flags) {
  const int descriptor = ::open(path.c_str(), flags | O_CLOEXEC);
  const bool synced = descriptor >= 0 && (::fsync(descriptor) == 0 || errno == EINVAL);
  const int reason = errno;
  if (descriptor >= 0) ::close(descriptor);
  if (!synced) throw InputError(fmt::format("cannot write '{}': {}", path.string(), std::strerror(reason)));
}

} // namespace

void sync_file(const std::filesystem::path& file) { sync(file, O_RDONLY); }

void sync_folder(const std::filesystem::path& folder) { sync(folder, O_RDONLY | O_DIRECTORY); }

} // namespace ptychoscale
