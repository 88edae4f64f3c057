#include "ptychoscale/io/output_lock.hpp"

#include "ptychoscale/base/error.hpp"
#include "ptychoscale/base/output_target.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace ptychoscale {
namespace {

/// Whether the locked file still is the one of that name: whoever held it before may have removed it
/// meanwhile.
bool still_named(int descriptor, const std::filesystem::path& name) {
  struct stat ours {};
  struct stat named {};
  return fstat(descriptor, &ours) == 0 && stat(name.c_str(), &named) == 0 && ours.st_dev == named.st_dev &&
         ours.st_ino == named.st_ino;
}

} // namespace

OutputLock::OutputLock(const std::filesystem::path& file) : lock_(output_target(file).string() + ".lock") {
  while (descriptor_ < 0) {
    const int opened = ::open(lock_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (opened < 0)
      throw InputError(fmt::format("cannot create '{}': {}; expected a path in a writable directory",
                                   lock_.string(), std::strerror(errno)));
    const bool locked = ::flock(opened, LOCK_EX | LOCK_NB) == 0;
    if (!locked && errno == EWOULDBLOCK) {
      ::close(opened);
      throw InputError(
          fmt::format("cannot write '{}': another run is writing it; expected a file of its own for each run",
                      file.string()));
    }
    effective_ = locked;
    if (!locked || still_named(opened, lock_))
      descriptor_ = opened;
    else
      ::close(opened);
  }
}

OutputLock::~OutputLock() {
  if (descriptor_ < 0) return;
  ::unlink(lock_.c_str()); // first: once unlocked it may be another run's
  ::close(descriptor_);
}

OutputLock::OutputLock(OutputLock&& other) noexcept
    : lock_(std::move(other.lock_)), descriptor_(std::exchange(other.descriptor_, -1)),
      effective_(other.effective_) {}

} // namespace ptychoscale
